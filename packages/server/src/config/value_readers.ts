/**
 * Readers for the text of environment variables. A schema library would be simpler, but loading one
 * takes a fifth of a boot (docs/performance.md, "Boot").
 */

/** Reads the text of a variable; undefined if it is not allowed. */
export type ReadText<T> = (text: string) => T | undefined;

/** Reads text that matches a pattern; any text by default. */
export function textLike(form: RegExp = /^/): ReadText<string> {
  return (text) => form.test(text) ? text : undefined;
}

/** Reads a whole number within bounds, in plain digits. */
export function wholeNumber(min: number, max: number): ReadText<number> {
  return (text) => {
    const number = /^\d{1,12}$/.test(text) ? Number(text) : NaN;
    return number >= min && number <= max ? number : undefined;
  };
}

/** Reads one of some words. */
export function oneOf<Word extends string>(...words: readonly Word[]): ReadText<Word> {
  return (text) => words.find((word) => word === text);
}

/** Reads one entry or more, separated by commas; blanks around them do not count. */
export function listOf(entry: ReadText<string>): ReadText<readonly string[]> {
  return (text) => {
    const parts = text.split(",").map((part) => part.trim()).filter((part) => part !== "");
    const entries = parts.flatMap((part) => entry(part) ?? []);
    return entries.length > 0 && entries.length === parts.length ? entries : undefined;
  };
}

/** Reads certificates in PEM form. A line break may be written as `\n`, as in .env files. */
export function certificates(text: string): string | undefined {
  const pem = text.replaceAll("\\n", "\n");
  return /-----BEGIN CERTIFICATE-----\s[\w+/=\s]+-----END CERTIFICATE-----/.test(pem) ? pem : undefined;
}

/** Reads JSON that `isOfForm` accepts. */
export function jsonOf<T>(isOfForm: (value: unknown) => value is T): ReadText<T> {
  return (text) => {
    try {
      const value: unknown = JSON.parse(text);
      return isOfForm(value) ? value : undefined;
    } catch {
      return undefined;
    }
  };
}

/** JSON Web Key Set, as far as it is checked here. */
export interface KeySetJson {
  readonly keys: { readonly kty: string; readonly [field: string]: unknown }[];
}

/** Reads a JSON Web Key Set, or an array of its keys. Supabase documents both forms. */
export function keySetJson(text: string): KeySetJson | undefined {
  const keys = jsonOf(isKeys)(text);
  return keys ? { keys } : jsonOf(isKeySet)(text);
}

const isKeys = (value: unknown): value is KeySetJson["keys"] =>
  Array.isArray(value) && value.every((key) => isRecord(key) && typeof key["kty"] === "string");
const isKeySet = (value: unknown): value is KeySetJson => isRecord(value) && isKeys(value["keys"]);

/** Returns true for objects that are not arrays. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Reads `*`, or an origin in the form that browsers send: another form of it would never match.
 */
export function pageOrigin(text: string): string | undefined {
  if (text === "*") return text;
  const url = /^https?:/.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  return url?.origin === text ? text : undefined;
}
