import { BackplaneUnavailable } from "../../backplane/contract.ts";
import { errorFields, type Log } from "../../observability/log.ts";
import { failureCode, logFailure } from "../failure.ts";
import type { EndingError, Member } from "../member.ts";
import { Refusal } from "./refuse.ts";
import { TookTooLong } from "./within_time.ts";

/** The member whose hook or call failed. */
export type FailingMember = Pick<Member, "connection" | "error"> & {
  readonly user: { readonly id: string };
};

/** A failed hook or call. */
export interface HookFailure {
  /** Name of the hook or the method. */
  readonly hook: string;
  readonly error: unknown;
  readonly member: Pick<FailingMember, "connection" | "user">;
}

/** The `error` that answers a failed hook or call. Logs the reason, unless it is a refusal. */
export function hookError(failure: HookFailure, log: Log): EndingError {
  const { error } = failure;
  if (error instanceof Refusal) {
    return { code: "refused", details: { message: error.message, reason: error.reason } };
  }
  logHookFailure(failure, log);
  return { code: error instanceof TookTooLong ? "timeout" : failureCode(error) };
}

/** Logs that a hook or a call failed, or that the rooms it uses cannot be reached. */
export function logHookFailure({ hook, error, member: { connection, user } }: HookFailure, log: Log): void {
  const about = { socket: connection, user: user.id };
  if (error instanceof BackplaneUnavailable) return logFailure(error, about, log);
  log.error("hook.failed", { hook, ...about, ...errorFields(error) });
}
