import { pathToFileURL } from "node:url";
import type { EdgeEvent } from "../../support/isolates/events.ts";
import { type EdgeHost, startEdgeHost } from "../../support/isolates/host.ts";
import type { EdgeLimits } from "../../support/isolates/limits.ts";
import type { IsolateView } from "../../support/isolates/pool.ts";
import type { CaseContext } from "../cases/context.ts";

/** Event of one type. */
type EventOf<Type extends EdgeEvent["type"]> = Extract<EdgeEvent, { readonly type: Type }>;

/** Differences from a paid project's limits and from the function's defaults. */
export interface HostedIsolateOptions {
  readonly limits?: Partial<EdgeLimits>;
  readonly env?: Readonly<Record<string, string>>;
}

/** Edge host with one measured isolate. `await using` ends it. */
export class HostedIsolate implements AsyncDisposable {
  readonly #host: EdgeHost;
  readonly #events: EdgeEvent[];

  private constructor(host: EdgeHost, events: EdgeEvent[]) {
    this.#host = host;
    this.#events = events;
  }

  /**
   * Starts a host with a paid project's limits and the function as deployed. Only the key set and
   * the memory backplane are configured. The first connection starts the isolate.
   */
  static async start(
    { deno, issuer, ours }: Pick<CaseContext, "deno" | "issuer" | "ours">,
    { limits = {}, env = {} }: HostedIsolateOptions = {},
  ): Promise<HostedIsolate> {
    const events: EdgeEvent[] = [];
    const host = await startEdgeHost({
      entry: pathToFileURL(ours.entry),
      env: {
        SUPABASE_URL: "http://127.0.0.1:1",
        SUPABASE_JWKS: issuer.jwks,
        BACKPLANE: "memory",
        ...env,
      },
      deno: deno.path,
      limits,
      onEvent: (event) => void events.push(event),
    });
    return new HostedIsolate(host, events);
  }

  /** URLs of a room, or of rooms of `roomSize`, with a token each. */
  roomUrls(room: string, tokens: readonly string[], roomSize: number = Infinity): string[] {
    const base = `ws://127.0.0.1:${this.#host.port}/functions/v1/${this.#host.name}/rooms/${room}`;
    return tokens.map((token, at) => `${base}-${Math.floor(at / roomSize)}?token=${token}`);
  }

  /** Current state of the first isolate. @throws {Error} if it has ended */
  get now(): IsolateView {
    const id = this.#events[0]?.isolate;
    const view = this.#host.isolates.find(({ isolate }) => isolate === id);
    if (!view) throw new Error(`the isolate has ended: ${JSON.stringify(this.#events)}`);
    return view;
  }

  /** First event of a type of the first isolate, if any. */
  event<Type extends EdgeEvent["type"]>(type: Type): EventOf<Type> | undefined {
    const id = this.#events[0]?.isolate;
    return this.#events.find((event): event is EventOf<Type> => event.type === type && event.isolate === id);
  }

  /** First event of a type of the first isolate. @throws {Error} without such an event */
  requireEvent<Type extends EdgeEvent["type"]>(type: Type): EventOf<Type> {
    const event = this.event(type);
    if (!event) throw new Error(`no ${type} among ${JSON.stringify(this.#events)}`);
    return event;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#host[Symbol.asyncDispose]();
  }
}
