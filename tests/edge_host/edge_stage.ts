import { deadline } from "@std/async";
import type { EdgeEvent } from "../../tools/support/isolates/events.ts";
import { type EdgeHost, type EdgeHostOptions, startEdgeHost } from "../../tools/support/isolates/host.ts";

/** How long a test waits for a worker: to start one reads its module graph, on a machine that may be busy. */
export const WORKER_PATIENCE_MS = 30_000;

/** An event of one type. */
export type EventOf<Type extends EdgeEvent["type"]> = Extract<EdgeEvent, { readonly type: Type }>;

/** A host under test. `await using` ends it. */
export interface Stage extends AsyncDisposable {
  readonly host: EdgeHost;
  /** Everything that happened so far. */
  readonly events: readonly EdgeEvent[];
  /** Lines that the function printed. */
  readonly output: readonly string[];
  /** The first event of a type, of an isolate where one is named; waits for it. */
  until<Type extends EdgeEvent["type"]>(type: Type, isolate?: string): Promise<EventOf<Type>>;
  /** Such as `http://127.0.0.1:1/functions/v1/probe/env`. */
  url(path: string): string;
  /** The same for a WebSocket. */
  socketUrl(path: string): string;
}

/** Starts a host with the fixture, or the function, of that entry; its workers run on the Deno that runs the test unless options say otherwise. */
export async function startStage(entry: URL, options: Omit<EdgeHostOptions, "entry"> = {}): Promise<Stage> {
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
        return await deadline(find(type, isolate), WORKER_PATIENCE_MS);
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

/** Has an isolate booted by a request that may take its time: a socket has to open within less than a boot may need on a busy machine. */
export async function boot(url: string): Promise<void> {
  await (await fetch(url)).body?.cancel();
}

export const PROBE = new URL("./fixtures/probe/index.ts", import.meta.url);
export const BROKEN = new URL("./fixtures/broken/index.ts", import.meta.url);
export const REALTIME = new URL("../../supabase/functions/realtime/index.ts", import.meta.url);
