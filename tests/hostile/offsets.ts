import { assertEquals } from "@std/assert";
import type { ServerFrame } from "../../packages/server/src/schemas/server_frames.ts";

/** Checks the order of one member's durable messages, without keeping them. */
export class Offsets {
  /** Last received offset. */
  last: number;
  /** Number of received ephemeral messages. */
  ephemeral = 0;
  /** First violation of the order. */
  wrong: string | undefined;
  readonly #waiting: { readonly offset: number; readonly reached: () => void }[] = [];

  /** Expects the message after `from` first. */
  constructor(from: number = 0) {
    this.last = from;
  }

  /** Receives any frame. */
  readonly take = (frame: ServerFrame): void => {
    if (frame.type !== "message") return;
    if (frame.offset === undefined) {
      this.ephemeral += 1;
      return;
    }
    if (frame.offset !== this.last + 1) this.wrong ??= `${frame.offset} came after ${this.last}`;
    this.last = frame.offset;
    for (const { offset, reached } of this.#waiting) {
      if (frame.offset >= offset) reached();
    }
  };

  /** Waits for an offset, and checks that every message before it arrived once, in order. */
  async reach(offset: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ offset, reached: resolve });
    if (this.last >= offset) resolve();
    await promise;
    assertEquals(this.wrong, undefined);
  }
}
