import type { FrameOf } from "../support/room_client.ts";

/** Durable messages of one client over all its connections: complete except for reported gaps. */
export class Sequence {
  /** Messages by offset. */
  readonly messages = new Map<number, FrameOf<"message">>();
  /** Number of gaps. */
  gaps = 0;
  /** Description of the first failure. */
  failure: string | undefined;
  #last: number | undefined;

  /** Last offset that was received or reported as a gap; undefined until the start is known. */
  get last(): number | undefined {
    return this.#last;
  }

  /** Sets the offset before the first message, unless it is known. */
  begin(after: number): void {
    this.#last ??= after;
  }

  takeMessage(message: FrameOf<"message">): void {
    const { offset } = message;
    if (offset === undefined) return;
    this.begin(offset - 1);
    this.#follow(offset, offset);
    this.messages.set(offset, message);
  }

  takeGap({ from, to }: FrameOf<"gap">): void {
    this.gaps += 1;
    this.#follow(from, to ?? -1);
  }

  /** Records a failure, unless there is one. */
  fail(description: string): void {
    this.failure ??= description;
  }

  #follow(from: number, to: number): void {
    if (from !== (this.#last ?? 0) + 1 || to < from) this.fail(`${from} to ${to} came after ${this.#last}`);
    this.#last = to;
  }
}
