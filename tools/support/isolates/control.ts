import type { UnloadReason } from "./policy.ts";

/**
 * Line of JSON from the host to a worker's stdin. The first line sets the mark that starts the
 * worker's own lines, because stdout also carries the function's output.
 */
export type HostLine =
  | { readonly mark: string }
  /** Starts the measurement of time, CPU and memory, and imports the function. */
  | { readonly import: string }
  | { readonly dispatch: "drain" }
  | { readonly dispatch: "beforeunload"; readonly reason: UnloadReason };

/** Line of a worker: the mark, then JSON. */
export type WorkerLine =
  /** The process runs, without the function. */
  | { readonly type: "started" }
  /** The function called `Deno.serve`. */
  | { readonly type: "listening"; readonly port: number }
  /** The function failed to start. */
  | { readonly type: "failed"; readonly message: string }
  /** Number of pending promises of `waitUntil`, reported for the first one and for none. */
  | { readonly type: "waiting"; readonly promises: number }
  /** An event was dispatched, and its listeners have returned. */
  | { readonly type: "dispatched"; readonly name: string; readonly reason?: UnloadReason };

/**
 * Parses a line of a worker; undefined for output of the function. Drops output of the function
 * before the mark on the same line.
 */
export function parseWorkerLine(line: string, mark: string): WorkerLine | undefined {
  const at = line.indexOf(mark);
  return at < 0 ? undefined : JSON.parse(line.slice(at + mark.length));
}
