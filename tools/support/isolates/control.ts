import type { UnloadReason } from "./policy.ts";

/**
 * What the host writes to a worker's stdin, a line of JSON each. The first names the mark that the worker puts before its own lines: its
 * stdout is the function's too.
 */
export type HostLine =
  | { readonly mark: string }
  /** From here on the isolate's time, CPU and memory count. */
  | { readonly import: string }
  | { readonly dispatch: "drain" }
  | { readonly dispatch: "beforeunload"; readonly reason: UnloadReason };

/** What a worker says, a line each: the mark, then JSON. */
export type WorkerLine =
  /** The process is up, nothing of the function is loaded. */
  | { readonly said: "born" }
  /** The function called `Deno.serve`. */
  | { readonly said: "listening"; readonly port: number }
  /** The function cannot start. */
  | { readonly said: "failed"; readonly message: string }
  /** Promises given to `waitUntil` that are pending: said when there is a first one, and none any more. */
  | { readonly said: "waiting"; readonly promises: number }
  /** An event was dispatched, its listeners are through. */
  | { readonly said: "dispatched"; readonly name: string; readonly reason?: UnloadReason };

/** A line that a worker said, or undefined when it is the function's output. What the function printed before it on that line is left out. */
export function parseWorkerLine(line: string, mark: string): WorkerLine | undefined {
  const at = line.indexOf(mark);
  return at < 0 ? undefined : JSON.parse(line.slice(at + mark.length));
}
