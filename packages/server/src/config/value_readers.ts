/**
 * How the text of an environment variable is read. By hand and not with a schema library: every boot does this, and loading
 * one takes a fifth of a boot (docs/performance.md, "Boot").
 */

/** Reads the text of a variable; undefined when it is not allowed. */
export type ReadText<T> = (text: string) => T | undefined;

/** Text of a form, or any at all. */
export function textLike(form: RegExp = /^/): ReadText<string> {
  return (text) => form.test(text) ? text : undefined;
}

/** A whole number within bounds, in plain digits. */
export function wholeNumber(min: number, max: number): ReadText<number> {
  return (text) => {
    const number = /^\d{1,12}$/.test(text) ? Number(text) : NaN;
    return number >= min && number <= max ? number : undefined;
  };
}

/** One of some words. */
export function oneOf<Word extends string>(...words: readonly Word[]): ReadText<Word> {
  return (text) => words.find((word) => word === text);
}

/** One entry or more, separated by commas; blanks around them do not count. */
export function listOf(entry: ReadText<string>): ReadText<readonly string[]> {
  return (text) => {
    const parts = text.split(",").map((part) => part.trim()).filter((part) => part !== "");
    const entries = parts.flatMap((part) => entry(part) ?? []);
    return entries.length > 0 && entries.length === parts.length ? entries : undefined;
  };
}

/** JSON of a form. */
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

/** Whether a value is an object with names, which an array is not. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
