import type { KillReason, RetireReason, UnloadReason, Usage } from "./policy.ts";

/** One isolate at a moment. */
export interface IsolateReport extends Usage {
  /** Its `SB_EXECUTION_ID`. */
  readonly isolate: string;
  /** Sockets that are open through the host. */
  readonly sockets: number;
  /** Requests whose response is not complete. */
  readonly unanswered: number;
}

/** Event in the life of an isolate. */
export type Happening =
  /** It takes requests. */
  | { readonly type: "booted"; readonly pid: number; readonly bootMs: number }
  /** It never took one. */
  | { readonly type: "boot_failed"; readonly message: string }
  /** It gets no new requests from now on. */
  | { readonly type: "retired"; readonly reason: RetireReason }
  /** `drain` was dispatched. */
  | { readonly type: "drained" }
  /** `beforeunload` was dispatched. */
  | { readonly type: "warned"; readonly reason: UnloadReason }
  /** A connection was cut that the isolate had been silent on for too long. */
  | { readonly type: "silenced" }
  | { readonly type: "killed"; readonly reason: KillReason }
  /** Its process has ended: as it was told to, or else by itself, `crashed`. */
  | { readonly type: "exited"; readonly reason: KillReason | "crashed"; readonly code: number };

/** Something that happened, with what the isolate had used by then. */
export type EdgeEvent = IsolateReport & Happening;

/** An event as one line of text. */
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

/** The part of an isolate's id that is shown. */
export function shortId(isolate: string): string {
  return isolate.slice(0, 8);
}

/** Such as `1.25 s`. */
export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`;
}

/** Such as `12.5 MiB`. */
export function mebibytes(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(1)} MiB`;
}
