import { errorFields, type LogLevel } from "../observability/log.ts";
import type { Engine } from "../compose/compose_engine.ts";
import type { Server } from "./server.ts";

/** Global of the hosted runtime. */
interface EdgeRuntime {
  waitUntil(promise: Promise<void>): void;
}

declare global {
  var EdgeRuntime: EdgeRuntime | undefined;
}

/** Returns the host's runtime; undefined in plain Deno. */
export function hostedRuntime(): EdgeRuntime | undefined {
  return typeof globalThis.EdgeRuntime?.waitUntil === "function" ? globalThis.EdgeRuntime : undefined;
}

/** Writes a log line to the console method of its level, which the host reads as the level. */
export function writeToConsole(level: LogLevel, line: string): void {
  if (level === "error") console.error(line);
  else if (level === "warn") console.warn(line);
  else console.log(line);
}

/**
 * Starts a drain at the host's warning, as its reason allows (socket/drain_plan.ts). Then releases
 * connections at once, for example those to the database, before the host ends the isolate.
 */
export function drainBeforeUnload({ drain, close }: Server): void {
  addEventListener("beforeunload", (event) => {
    const reason = unloadReason(event);
    // Plain Deno dispatches the event when its event loop is empty, without a reason.
    if (reason === undefined) return;
    void drain(reason).then(close);
  });
}

function unloadReason(event: Event): string | undefined {
  const detail: unknown = event instanceof CustomEvent ? event.detail : undefined;
  if (typeof detail !== "object" || detail === null || !("reason" in detail)) return undefined;
  return String(detail.reason);
}

/**
 * Logs errors that no code catches, for example from a timer of an endpoint. Without it, such an
 * error ends the process and all its sockets.
 */
export function surviveStrayErrors({ log }: Engine): void {
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    log.error("process.unhandled_rejection", errorFields(event.reason));
  });
  addEventListener("error", (event) => {
    event.preventDefault();
    log.error("process.uncaught_error", errorFields(event.error));
  });
}
