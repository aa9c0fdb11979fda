// What Postgres and Redis carry of messages and presence: records of fields, as text.

/** Separates the records of what is told at once. */
export const RECORD_SEPARATOR = "\u001e";
/** Separates the fields of a record. */
export const FIELD_SEPARATOR = "\u001f";
/** Begins what stands for a character that cannot be carried, or that separates. */
export const ESCAPE = "\u0010";

const TO_ESCAPE = new RegExp(`[\0${ESCAPE}${RECORD_SEPARATOR}${FIELD_SEPARATOR}\\p{Cs}]`, "gu");
const ESCAPED = new RegExp(`${ESCAPE}([0-9a-f]{4})`, "g");

/**
 * Text as UTF-8 and Postgres can hold it: NUL, lone surrogates and separators are written as U+0010 and four hexadecimal digits,
 * which is reversible. Nearly all text is as it was.
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

/** Fields as one record. */
export function joinFields(fields: readonly string[]): string {
  return fields.map(escapeText).join(FIELD_SEPARATOR);
}

/** The fields of a record. */
export function splitFields(record: string): string[] {
  return record.split(FIELD_SEPARATOR).map(unescapeText);
}
