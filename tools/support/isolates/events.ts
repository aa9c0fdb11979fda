import type { KillReason, RetireReason, UnloadReason, Usage } from "./policy.ts";

/** State of an isolate at one moment. */
export interface IsolateReport extends Usage {
  /** `SB_EXECUTION_ID` of the isolate. */
  readonly isolate: string;
  /** Number of open sockets. */
  readonly sockets: number;
  /** Number of requests without a complete response. */
  readonly unanswered: number;
}

/** Event in the life of an isolate. */
export type IsolateEvent =
  /** The isolate accepts requests. */
  | { readonly type: "booted"; readonly pid: number; readonly bootMs: number }
  /** The isolate failed to start. */
  | { readonly type: "boot_failed"; readonly message: string }
  /** The isolate receives no more requests. */
  | { readonly type: "retired"; readonly reason: RetireReason }
  /** `drain` was dispatched. */
  | { readonly type: "drained" }
  /** `beforeunload` was dispatched. */
  | { readonly type: "warned"; readonly reason: UnloadReason }
  /** The host cut a connection on which the isolate was silent for too long. */
  | { readonly type: "silenced" }
  | { readonly type: "killed"; readonly reason: KillReason }
  /** The process has ended, for the kill's reason, or `crashed`. */
  | { readonly type: "exited"; readonly reason: KillReason | "crashed"; readonly code: number };

/** Event of an isolate, with its usage at that moment. */
export type EdgeEvent = IsolateReport & IsolateEvent;

/** Formats an event as one line. */
export function eventText(event: EdgeEvent): string {
  const { isolate, ageMs, cpuMs, memoryBytes, sockets } = event;
  const what = [event.type.replace("_", " ")];
  if ("reason" in event) what.push(event.reason);
  if ("pid" in event) what.push(`as process ${event.pid} in ${Math.round(event.bootMs)} ms`);
  if ("message" in event) what.push(event.message);
  if (event.type === "exited") what.push(`with ${event.code}`);
  const used = `age ${seconds(ageMs)}, CPU ${seconds(cpuMs)}, memory ${
    mebibytes(memoryBytes)
  }, sockets ${sockets}`;
  return `${shortId(isolate)} ${what.join(" ")} (${used})`;
}

/** Shortens an isolate's id for output. */
export function shortId(isolate: string): string {
  return isolate.slice(0, 8);
}

/** Formats a duration, such as `1.25 s`. */
export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`;
}

/** Formats a size, such as `12.5 MiB`. */
export function mebibytes(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(1)} MiB`;
}
