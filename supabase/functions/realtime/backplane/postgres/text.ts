/** Separates the records of a notification. */
export const RECORD_SEPARATOR = "\u001e";
/** Separates the fields of a record. */
export const FIELD_SEPARATOR = "\u001f";
/** Begins what stands for a character that cannot be stored, or that separates. */
const ESCAPE = "\u0010";

const TO_ESCAPE = new RegExp(`[\0${ESCAPE}${RECORD_SEPARATOR}${FIELD_SEPARATOR}\\p{Cs}]`, "gu");
const ESCAPED = new RegExp(`${ESCAPE}([0-9a-f]{4})`, "g");

/**
 * Text as Postgres can hold it: NUL, lone surrogates and separators are written as U+0010 and four hexadecimal digits, which
 * is reversible. Nearly all text is as it was.
 */
export function escapeText(text: string): string {
  return text.replace(
    TO_ESCAPE,
    (character) => ESCAPE + character.charCodeAt(0).toString(16).padStart(4, "0"),
  );
}

/** The text that was given to `escapeText`. */
export function unescapeText(text: string): string {
  if (!text.includes(ESCAPE)) return text;
  return text.replace(ESCAPED, (_, digits: string) => String.fromCharCode(parseInt(digits, 16)));
}

/**
 * An array as Postgres reads it from text. The client library would ask the server for its array types on each new connection
 * to make one itself.
 */
export function arrayText(items: readonly (string | number | null)[]): string {
  return `{${items.map((item) => item === null ? "NULL" : elementText(item)).join(",")}}`;
}

function elementText(item: string | number): string {
  return typeof item === "number" ? `${item}` : `"${item.replace(/[\\"]/g, "\\$&")}"`;
}
