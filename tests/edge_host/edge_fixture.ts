import { deadline } from "@std/async";
import type { EdgeEvent } from "../../tools/support/isolates/events.ts";
import { type EdgeHost, type EdgeHostOptions, startEdgeHost } from "../../tools/support/isolates/host.ts";

/** Limit of a wait for a worker, which reads its module graph at the start, on a busy machine. */
export const WORKER_TIMEOUT_MS = 30_000;

/** Event of one type. */
export type EventOf<Type extends EdgeEvent["type"]> = Extract<EdgeEvent, { readonly type: Type }>;

/** Host under test. `await using` ends it. */
export interface EdgeFixture extends AsyncDisposable {
  readonly host: EdgeHost;
  /** Events so far. */
  readonly events: readonly EdgeEvent[];
  /** Output lines of the function. */
  readonly output: readonly string[];
  /** Waits for the first event of a type, optionally of one isolate. */
  until<Type extends EdgeEvent["type"]>(type: Type, isolate?: string): Promise<EventOf<Type>>;
  /** URL of a path, such as `http://127.0.0.1:1/functions/v1/probe/env`. */
  url(path: string): string;
  /** WebSocket URL of a path. */
  socketUrl(path: string): string;
}

/**
 * Starts a host with the function of `entry`. Its workers use the Deno that runs the test, unless
 * options name another.
 */
export async function startEdgeFixture(
  entry: URL,
  options: Omit<EdgeHostOptions, "entry"> = {},
): Promise<EdgeFixture> {
  const events: EdgeEvent[] = [];
  const output: string[] = [];
  let arrival = Promise.withResolvers<void>();
  const host = await startEdgeHost({
    entry,
    deno: Deno.execPath(),
    ...options,
    onEvent(event) {
      events.push(event);
      arrival.resolve();
      arrival = Promise.withResolvers();
    },
    onOutput: (_isolate, line) => void output.push(line),
  });

  async function find<Type extends EdgeEvent["type"]>(type: Type, isolate?: string): Promise<EventOf<Type>> {
    const isWanted = (event: EdgeEvent): event is EventOf<Type> =>
      event.type === type && (isolate === undefined || event.isolate === isolate);
    for (;;) {
      const event = events.find(isWanted);
      if (event) return event;
      await arrival.promise;
    }
  }

  return {
    host,
    events,
    output,
    async until(type, isolate) {
      try {
        return await deadline(find(type, isolate), WORKER_TIMEOUT_MS);
      } catch (error) {
        throw new Error(`No ${type} among ${JSON.stringify(events)}; output: ${output.join("\n")}`, {
          cause: error,
        });
      }
    },
    url: (path) => `${host.origin}/functions/v1/${host.name}${path}`,
    socketUrl: (path) => `ws://127.0.0.1:${host.port}/functions/v1/${host.name}${path}`,
    [Symbol.asyncDispose]: () => host[Symbol.asyncDispose](),
  };
}

/**
 * Starts an isolate by a plain request, which has no time limit; a socket's handshake may be too
 * short for a start on a busy machine.
 */
export async function boot(url: string): Promise<void> {
  await (await fetch(url)).body?.cancel();
}

export const PROBE = new URL("./fixtures/probe/index.ts", import.meta.url);
export const BROKEN = new URL("./fixtures/broken/index.ts", import.meta.url);
export const REALTIME = new URL("../../supabase/functions/realtime/index.ts", import.meta.url);
