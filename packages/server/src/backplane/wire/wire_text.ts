// Text format of messages and presence in Postgres and Redis: records of fields.

/** Separates the records of one notification. */
export const RECORD_SEPARATOR = "\u001e";
/** Separates the fields of a record. */
export const FIELD_SEPARATOR = "\u001f";
/** Starts the escape sequence of a character that the store cannot hold, or that separates. */
export const ESCAPE = "\u0010";

const TO_ESCAPE = new RegExp(`[\0${ESCAPE}${RECORD_SEPARATOR}${FIELD_SEPARATOR}\\p{Cs}]`, "gu");
const ESCAPED = new RegExp(`${ESCAPE}([0-9a-f]{4})`, "g");

/**
 * Escapes text that UTF-8 or Postgres cannot hold: NUL, lone surrogates and separators become
 * U+0010 and four hexadecimal digits. `unescapeText` reverses this. Nearly all text stays
 * unchanged.
 */
export function escapeText(text: string): string {
  return text.replace(
    TO_ESCAPE,
    (character) => ESCAPE + character.charCodeAt(0).toString(16).padStart(4, "0"),
  );
}

/** Reverses `escapeText`. */
export function unescapeText(text: string): string {
  if (!text.includes(ESCAPE)) return text;
  return text.replace(ESCAPED, (_, digits: string) => String.fromCharCode(parseInt(digits, 16)));
}

/** Joins fields into one record and escapes them. */
export function joinFields(fields: readonly string[]): string {
  return fields.map(escapeText).join(FIELD_SEPARATOR);
}

/** Splits a record into its unescaped fields. */
export function splitFields(record: string): string[] {
  return record.split(FIELD_SEPARATOR).map(unescapeText);
}
