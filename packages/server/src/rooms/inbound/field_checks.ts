import type { ErrorDetails } from "../../../../protocol/error_codes.ts";
import { MAX_ID_LENGTH } from "../../../../protocol/limits.ts";
import { isObject } from "../../schemas/json_object.ts";

/** The fields of a frame, not checked yet. */
export type Fields = Readonly<Record<string, unknown>>;

/** A parsed frame, or the details of its `invalid_frame`. */
export type ParsedFrame<Frame> =
  | { readonly frame: Frame; readonly problem?: undefined }
  | { readonly frame?: undefined; readonly problem: ErrorDetails };

/** The details of a frame whose `field` is wrong. */
export function wrong(fields: Fields, field: string, text: string): { readonly problem: ErrorDetails } {
  return { problem: { message: `${field} ${text}`, id: idOf(fields), field } };
}

/** The details of a frame that is no JSON object. */
export function notAnObject(): { readonly problem: ErrorDetails } {
  return {
    problem: { message: "A frame is a JSON object with a type.", id: undefined, field: undefined },
  };
}

/** The id of an invalid frame, if it has one. */
export function idOf(value: unknown): string | undefined {
  return isObject(value) && isName(value.id, MAX_ID_LENGTH) ? value.id : undefined;
}

/** True for text of 1 to `max` characters, as Unicode code points. */
export function isName(value: unknown, max: number): value is string {
  if (typeof value !== "string" || value === "") return false;
  // A code point is one or two units of `length`: only text between needs to be counted.
  return value.length <= max || (value.length <= 2 * max && [...value].length <= max);
}

/** True for a whole number from `min` to `max`. */
export function isWhole(value: unknown, min: number, max: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;
}

/** True for 0 and every offset. */
export function isOffset(value: unknown): value is number {
  return isWhole(value, 0, Number.MAX_SAFE_INTEGER);
}

/** True for text, or nothing. */
export function isOptionalText(value: unknown): value is string | undefined {
  return value === undefined || typeof value === "string";
}
