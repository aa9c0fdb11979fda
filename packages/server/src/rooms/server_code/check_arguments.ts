/** Checks of what server code passes. Each throws a `TypeError` that names the argument. */
import type { Recipient } from "../../../../protocol/frames.ts";
import { MAX_JSON_DEPTH } from "../../../../protocol/limits.ts";
import { isDeeperThan } from "../../schemas/json_depth.ts";
import { isLargerThan } from "../../socket/frame_size.ts";

/** Longest id of a user or a connection, in characters. */
export const MAX_USER_LENGTH = 256;

/** Returns text of 1 to `max` characters. */
export function text(field: string, value: unknown, max: number): string {
  if (typeof value === "string" && value !== "" && value.length <= max) return value;
  throw new TypeError(`${field}: must be text of 1 to ${max} characters`);
}

/** Returns a whole number within bounds. */
export function whole(field: string, value: unknown, min: number, max: number = Infinity): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw new TypeError(
    `${field}: must be a whole number${max === Infinity ? `, ${min} or more` : ` from ${min} to ${max}`}`,
  );
}

/** Returns data as JSON text of at most `maxBytes`. */
export function dataText(data: unknown, maxBytes: number): string {
  // This check comes first: deeper data would overflow the stack in JSON.stringify.
  if (isDeeperThan(data, MAX_JSON_DEPTH)) {
    throw new TypeError(`data: is nested deeper than ${MAX_JSON_DEPTH} levels`);
  }
  const json = toJson(data);
  if (json === undefined) throw new TypeError("data: must be JSON");
  if (isLargerThan(json, maxBytes)) throw new TypeError(`data: may have ${maxBytes} bytes as JSON`);
  return json;
}

/** Returns a recipient with exactly one of `user` and `connection`. */
export function recipient(field: string, given: Recipient): { user: string } | { connection: string } {
  const { user, connection }: { readonly user?: unknown; readonly connection?: unknown } = given ?? {};
  if ((user === undefined) === (connection === undefined)) {
    throw new TypeError(`${field}: must be {"user":…} or {"connection":…}`);
  }
  return connection === undefined
    ? { user: text(`${field}.user`, user, MAX_USER_LENGTH) }
    : { connection: text(`${field}.connection`, connection, MAX_USER_LENGTH) };
}

/** The JSON text, or undefined for a function, a symbol, a BigInt or nothing. */
function toJson(data: unknown): string | undefined {
  try {
    return JSON.stringify(data);
  } catch (cause) {
    throw new TypeError("data: must be JSON", { cause });
  }
}
