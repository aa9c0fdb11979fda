import { assertEquals } from "@std/assert";
import type { ServerFrame } from "../../packages/server/src/schemas/server_frames.ts";

/** Follows the durable messages that one member gets, without keeping them. */
export class Offsets {
  /** The last offset that came. */
  last: number;
  /** Ephemeral messages that came. */
  ephemeral = 0;
  /** What was wrong with the order, if anything was. */
  wrong: string | undefined;
  readonly #waiting: { readonly offset: number; readonly reached: () => void }[] = [];

  /** What comes first is to be the message after `from`. */
  constructor(from: number = 0) {
    this.last = from;
  }

  /** Takes any frame. */
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

  /** Waits until a message has come, and checks that none before it was left out or came twice. */
  async reach(offset: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ offset, reached: resolve });
    if (this.last >= offset) resolve();
    await promise;
    assertEquals(this.wrong, undefined);
  }
}
