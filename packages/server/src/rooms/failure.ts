import { BackplaneUnavailable } from "../backplane/contract.ts";
import { errorFields, type Log } from "../observability/log.ts";
import type { ErrorCode } from "../../../protocol/error_codes.ts";
import { TooManyReads } from "./read_limits.ts";

/** Code that answers a frame that failed: the backplane is away, or the fault is ours. */
export function failureCode(error: unknown): ErrorCode {
  if (error instanceof TooManyReads) return "rate_limited";
  return error instanceof BackplaneUnavailable ? "unavailable" : "internal";
}

/** Logs a failure. `about` names the socket and the user. */
export function logFailure(
  error: unknown,
  about: { readonly socket: string; readonly user: string },
  log: Log,
): void {
  const fields = { ...about, ...errorFields(error) };
  if (error instanceof BackplaneUnavailable) log.warn("backplane.unavailable", fields);
  else log.error("room.failed", fields);
}
