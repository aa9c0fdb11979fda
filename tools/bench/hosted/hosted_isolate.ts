import { pathToFileURL } from "node:url";
import type { EdgeEvent } from "../../support/isolates/events.ts";
import { type EdgeHost, startEdgeHost } from "../../support/isolates/host.ts";
import type { EdgeLimits } from "../../support/isolates/limits.ts";
import type { IsolateView } from "../../support/isolates/pool.ts";
import type { CaseContext } from "../cases/context.ts";

/** An event of one type. */
type EventOf<Type extends EdgeEvent["type"]> = Extract<EdgeEvent, { readonly type: Type }>;

/** What differs from a paid project's limits and from the function's defaults. */
export interface HostedIsolateOptions {
  readonly limits?: Partial<EdgeLimits>;
  readonly env?: Readonly<Record<string, string>>;
}

/** An edge host whose one isolate is looked at. `await using` ends it. */
export class HostedIsolate implements AsyncDisposable {
  readonly #host: EdgeHost;
  readonly #events: EdgeEvent[];

  private constructor(host: EdgeHost, events: EdgeEvent[]) {
    this.#host = host;
    this.#events = events;
  }

  /**
   * Starts a host with a paid project's limits and the function as it is deployed: nothing is set but the key set, and that rooms live in the
   * isolate's memory. The first connection boots the isolate.
   */
  static async start(
    context: Pick<CaseContext, "deno" | "issuer" | "ours">,
    { limits = {}, env = {} }: HostedIsolateOptions = {},
  ): Promise<HostedIsolate> {
    const events: EdgeEvent[] = [];
    const host = await startEdgeHost({
      entry: pathToFileURL(context.ours.entry),
      env: {
        SUPABASE_URL: "http://127.0.0.1:1",
        SUPABASE_JWKS: context.issuer.jwks,
        BACKPLANE: "memory",
        ...env,
      },
      deno: context.deno.path,
      limits,
      onEvent: (event) => void events.push(event),
    });
    return new HostedIsolate(host, events);
  }

  /** Addresses of a room, or of rooms of `roomSize`, with a token each. */
  roomUrls(room: string, tokens: readonly string[], roomSize: number = Infinity): string[] {
    const base = `ws://127.0.0.1:${this.#host.port}/functions/v1/${this.#host.name}/rooms/${room}`;
    return tokens.map((token, at) => `${base}-${Math.floor(at / roomSize)}?token=${token}`);
  }

  /** The first isolate as it is now. @throws {Error} when it has ended */
  get now(): IsolateView {
    const id = this.#events[0]?.isolate;
    const view = this.#host.isolates.find(({ isolate }) => isolate === id);
    if (!view) throw new Error(`the isolate has ended: ${JSON.stringify(this.#events)}`);
    return view;
  }

  /** How many isolates were booted: more than one where the first takes no more requests. */
  get booted(): number {
    return this.#events.filter(({ type }) => type === "booted").length;
  }

  /** The first event of a type, if there was one, of the first isolate. */
  event<Type extends EdgeEvent["type"]>(type: Type): EventOf<Type> | undefined {
    const id = this.#events[0]?.isolate;
    return this.#events.find((event): event is EventOf<Type> => event.type === type && event.isolate === id);
  }

  /** The same. @throws {Error} when there was none */
  happened<Type extends EdgeEvent["type"]>(type: Type): EventOf<Type> {
    const event = this.event(type);
    if (!event) throw new Error(`no ${type} among ${JSON.stringify(this.#events)}`);
    return event;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#host[Symbol.asyncDispose]();
  }
}
