import { errorFields, type LogLevel } from "../observability/log.ts";
import type { Engine } from "../compose/compose_engine.ts";

/** What the hosted runtime adds to `globalThis`. */
interface EdgeRuntime {
  waitUntil(promise: Promise<void>): void;
}

declare global {
  var EdgeRuntime: EdgeRuntime | undefined;
}

/** The host's runtime, or undefined where the function runs by itself in plain Deno. */
export function hostedRuntime(): EdgeRuntime | undefined {
  return typeof globalThis.EdgeRuntime?.waitUntil === "function" ? globalThis.EdgeRuntime : undefined;
}

/** Writes a log line where the host, or the terminal, takes it as one of its level. */
export function writeToConsole(level: LogLevel, line: string): void {
  if (level === "error") console.error(line);
  else if (level === "warn") console.warn(line);
  else console.log(line);
}

/**
 * Makes the host's warning start a drain, as its reason allows (socket/drain_plan.ts). After it nothing is left to do here, so what
 * others count, such as connections to the database, is given back at once and not when the host gets to the kill.
 */
export function drainBeforeUnload({ connections, config, close }: Engine): void {
  addEventListener("beforeunload", (event) => {
    const reason = unloadReason(event);
    // Plain Deno dispatches the event when it has nothing left to do, without a reason.
    if (reason === undefined) return;
    void connections.drain(reason, config.DRAIN_SECONDS * 1000).then(close);
  });
}

function unloadReason(event: Event): string | undefined {
  const detail: unknown = event instanceof CustomEvent ? event.detail : undefined;
  if (typeof detail !== "object" || detail === null || !("reason" in detail)) return undefined;
  return String(detail.reason);
}

/**
 * Keeps the process up when something that nobody awaits fails, such as a timer that an endpoint started: it costs a log
 * line, not everybody's sockets.
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
