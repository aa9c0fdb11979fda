import { deadline } from "@std/async";
import { PATIENCE_MS } from "../wire/socket_client.ts";

/**
 * What a proxy or one of its connections may tell: `request`, an HTTP request's head was read; `opened`, it asks for a WebSocket;
 * `upgraded`, the server answered 101; `cut`, a fault broke the connection off; `closed`, it ended by itself; `refused`, it was
 * closed at once; `unreachable`, the server did not take it; `held` and `released`; a message that has gone on as a whole.
 */
export type ProxyEvent =
  | "request"
  | "opened"
  | "upgraded"
  | "cut"
  | "closed"
  | "refused"
  | "unreachable"
  | "held"
  | "released"
  | "messageToClient"
  | "messageToServer";

/** Counts what happens, and lets a test wait for it. */
export class EventCounts {
  readonly #counts = new Map<ProxyEvent, number>();
  #addition = Promise.withResolvers<void>();

  /** How often it has happened. */
  count(event: ProxyEvent): number {
    return this.#counts.get(event) ?? 0;
  }

  /** It has happened once more. */
  add(event: ProxyEvent): void {
    this.#counts.set(event, this.count(event) + 1);
    this.#addition.resolve();
    this.#addition = Promise.withResolvers();
  }

  /** Waits until it has happened `count` times in all; rejects with what has happened when that takes longer than `withinMs`. */
  async until(event: ProxyEvent, count: number = 1, withinMs: number = PATIENCE_MS): Promise<void> {
    const giveUpAt = performance.now() + withinMs;
    while (this.count(event) < count) {
      const left = Math.max(0, giveUpAt - performance.now());
      await deadline(this.#addition.promise, left).catch((cause: unknown) => {
        const all = [...this.#counts].map(([name, times]) => `${times} ${name}`).join(", ");
        throw new Error(`Waited for ${count} ${event}; there is only: ${all || "nothing"}`, { cause });
      });
    }
  }
}
