import type { Position } from "../protocol/frames.ts";
import { MAX_PAGE } from "../protocol/limits.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { Timing } from "./connection/machine_state.ts";
import type { RoomOptions, TicketSource, TokenSource, WebSocketClass } from "./options.ts";
import type { OutboxStorage } from "./outbox_storage.ts";

/** Options with their defaults; options.ts documents each. */
export interface ResolvedOptions {
  readonly token: TokenSource;
  readonly tokenPlace: "subprotocol" | "query";
  readonly ticket: TicketSource | undefined;
  readonly resume: Position | null;
  readonly history: number;
  readonly signal: AbortSignal | undefined;
  readonly outbox: { readonly limit: number; readonly storage: OutboxStorage | undefined };
  readonly timing: Timing;
  readonly iteratorLimit: number;
  /**
   * Undefined if the runtime has none. A room that is never opened, as in server rendering, needs
   * none.
   */
  readonly WebSocket: WebSocketClass | undefined;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly random: () => number;
}

/** Checks options and fills in defaults. @throws {TypeError} naming the invalid option */
export function resolveOptions(options: RoomOptions): ResolvedOptions {
  const { token, tokenPlace = "subprotocol", resume = null, signal, retry = {}, timeouts = {} } = options;
  if (typeof token !== "function") throw new TypeError("token must be a function.");
  const WebSocket = options.WebSocket ?? (globalThis as { WebSocket?: WebSocketClass }).WebSocket;
  const history = whole("history", options.history, 0, 0, MAX_PAGE);
  if (resume && history) throw new TypeError("history excludes resume.");
  const minMs = whole("retry.minMs", retry.minMs, 500, 1);
  return {
    token,
    tokenPlace,
    ticket: options.ticket,
    resume,
    history,
    signal,
    outbox: {
      limit: whole("outbox.limit", options.outbox?.limit, 1_000, 0),
      storage: options.outbox?.storage,
    },
    timing: {
      tokenMs: whole("timeouts.tokenMs", timeouts.tokenMs, 30_000, 1),
      connectMs: whole("timeouts.connectMs", timeouts.connectMs, 10_000, 1),
      probeMs: whole("timeouts.probeMs", timeouts.probeMs, 4_000, 1),
      retry: { minMs, maxMs: whole("retry.maxMs", retry.maxMs, Math.max(30_000, minMs), minMs) },
    },
    iteratorLimit: whole("iteratorLimit", options.iteratorLimit, 10_000, 1),
    WebSocket,
    // Browsers refuse `fetch` with another `this`.
    fetch: options.fetch ?? ((...request) => fetch(...request)),
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
  };
}

/** Longest wait of a timer; a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Checks a whole number against its bounds. */
function whole(
  name: string,
  value: number | undefined,
  byDefault: number,
  min: number,
  max: number = MAX_TIMER_MS,
): number {
  const number = value ?? byDefault;
  if (Number.isInteger(number) && number >= min && number <= max) return number;
  throw new TypeError(`${name} must be a whole number from ${min} to ${max}.`);
}
