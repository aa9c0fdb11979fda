import { pathToFileURL } from "node:url";
import type { EdgeEvent } from "../../support/isolates/events.ts";
import { startEdgeHost } from "../../support/isolates/host.ts";
import type { EdgeLimits } from "../../support/isolates/limits.ts";
import type { IsolateView } from "../../support/isolates/pool.ts";
import type { CaseContext } from "../cases/context.ts";

/** Differences from a paid project's limits and from the function's defaults. */
export interface HostedIsolateOptions {
  readonly limits?: Partial<EdgeLimits>;
  readonly env?: Readonly<Record<string, string>>;
}

/** Edge host with one measured isolate, the first that it starts. `await using` ends it. */
export interface HostedIsolate extends AsyncDisposable {
  /** Current state. @throws {Error} if the isolate has ended */
  readonly now: IsolateView;
  /** URLs of a room, or of rooms of `roomSize`, with a token each. */
  roomUrls(room: string, tokens: readonly string[], roomSize?: number): string[];
  /** First event of a type, if any. */
  event<Type extends EdgeEvent["type"]>(type: Type): Extract<EdgeEvent, { readonly type: Type }> | undefined;
}

/**
 * Starts a host with a paid project's limits and the function as deployed. Only the key set and the
 * memory backplane are configured. The first connection starts the isolate.
 */
export async function startHostedIsolate(
  { deno, issuer, ours }: Pick<CaseContext, "deno" | "issuer" | "ours">,
  { limits = {}, env = {} }: HostedIsolateOptions = {},
): Promise<HostedIsolate> {
  const events: EdgeEvent[] = [];
  const host = await startEdgeHost({
    entry: pathToFileURL(ours.entry),
    env: {
      SUPABASE_URL: "http://127.0.0.1:1",
      SUPABASE_JWKS: JSON.stringify(issuer.jwks),
      BACKPLANE: "memory",
      ...env,
    },
    deno: deno.path,
    limits,
    onEvent: (event) => void events.push(event),
  });
  const isFirst = ({ isolate }: { readonly isolate: string }): boolean => isolate === events[0]?.isolate;
  return {
    get now() {
      const view = host.isolates.find(isFirst);
      if (!view) throw new Error(`the isolate has ended: ${JSON.stringify(events)}`);
      return view;
    },
    roomUrls(room, tokens, roomSize = Infinity) {
      const base = `ws://127.0.0.1:${host.port}/functions/v1/${host.name}/rooms/${room}`;
      return tokens.map((token, at) => `${base}-${Math.floor(at / roomSize)}?token=${token}`);
    },
    event<Type extends EdgeEvent["type"]>(type: Type) {
      return events.find((event): event is Extract<EdgeEvent, { readonly type: Type }> =>
        event.type === type && isFirst(event)
      );
    },
    [Symbol.asyncDispose]: () => host[Symbol.asyncDispose](),
  };
}
