import type { FrameOf } from "../support/room_client.ts";

/** The durable messages that one client gets over all its connections: gapless, but for what a `gap` says is missing. */
export class Sequence {
  /** By offset. */
  readonly messages = new Map<number, FrameOf<"message">>();
  /** How many gaps there were. */
  gaps = 0;
  /** The first thing that was wrong, if anything was. */
  wrong: string | undefined;
  #last: number | undefined;

  /** The last offset that came or was told to be missing; undefined until it is known where the sequence begins. */
  get last(): number | undefined {
    return this.#last;
  }

  /** Says after which offset it begins, unless that is known. */
  begin(after: number): void {
    this.#last ??= after;
  }

  /** Takes the next message. */
  takeMessage(message: FrameOf<"message">): void {
    const { offset } = message;
    if (offset === undefined) return;
    this.begin(offset - 1);
    this.#follow(offset, offset);
    this.messages.set(offset, message);
  }

  /** Takes a gap. */
  takeGap({ from, to }: FrameOf<"gap">): void {
    this.gaps += 1;
    this.#follow(from, to ?? -1);
  }

  /** Says that something was wrong. */
  fail(what: string): void {
    this.wrong ??= what;
  }

  #follow(from: number, to: number): void {
    if (from !== (this.#last ?? 0) + 1 || to < from) this.fail(`${from} to ${to} came after ${this.#last}`);
    this.#last = to;
  }
}
