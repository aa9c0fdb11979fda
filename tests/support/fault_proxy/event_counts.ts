import { deadline } from "@std/async";
import { PATIENCE_MS } from "../../../tools/support/wire/socket_client.ts";

/**
 * Events of a proxy and of its connections:
 * - `request`: the head of an HTTP request was read; `opened`: the request asks for a WebSocket.
 * - `upgraded`: the server answered with 101.
 * - `cut`: a fault ended the connection; `closed`: a peer ended it; `refused`: the proxy closed it
 *   without an answer; `unreachable`: the server accepted no connection.
 * - `messageToClient`, `messageToServer`: a whole message was forwarded.
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

/** Counts events, and lets a test wait for them. */
export class EventCounts {
  readonly #counts = new Map<ProxyEvent, number>();
  #addition = Promise.withResolvers<void>();

  /** Number of times the event has occurred. */
  count(event: ProxyEvent): number {
    return this.#counts.get(event) ?? 0;
  }

  /** Counts one more occurrence. */
  add(event: ProxyEvent): void {
    this.#counts.set(event, this.count(event) + 1);
    this.#addition.resolve();
    this.#addition = Promise.withResolvers();
  }

  /** Waits for `count` occurrences in all; rejects with the counts after `withinMs`. */
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
