import type { GapFrame, MessageFrame, Position, WelcomeFrame } from "../protocol/frames.ts";

/** What to do with a message: hand it on, or not, since it was had before; or resume, since some are missing before it. */
export type Verdict = "new" | "repeated" | "hole";

/** Up to where a room's messages were received, and what that says of the next one. */
export class Progress {
  #position: Position | null;
  readonly #history: number;
  /** The head when the connection began. */
  #head = 0;
  /** Nothing up to here was promised: it was there before us, or belongs to a history that we do not know. */
  #floor = 0;
  /** Where to go on when the gap before it was told: the history is another one, or shorter than ours was. */
  #restart: Position | null = null;
  /** The replay brings everything up to the head, or says what is missing; of another history it may bring nothing. */
  #isReplayed = false;

  /** A first connect goes on after a position, or brings the last so many messages. */
  constructor(resume: Position | null, history: number) {
    this.#position = resume;
    this.#history = history;
  }

  /** Null before the first `welcome`, unless the room began with one to resume from. */
  get position(): Position | null {
    return this.#position;
  }

  /** Everything that was stored before this connection has come: what is still unknown of our own messages was not stored. */
  get isCaughtUp(): boolean {
    return !this.#isReplayed || (this.#position?.offset ?? 0) >= this.#head;
  }

  /** The query of the next connection's address. */
  query(connection: string | null): Record<string, string> {
    const position = this.#position;
    if (!position) return this.#history > 0 ? { history: String(this.#history) } : {};
    const { offset, epoch } = position;
    return { after: String(offset), epoch, ...(connection === null ? {} : { connection }) };
  }

  /** A connection began. Returns whether it resumed. */
  welcome({ epoch, offset }: WelcomeFrame): boolean {
    const before = this.#position;
    this.#head = offset;
    this.#isReplayed = before?.epoch === epoch;
    this.#restart = null;
    if (before === null) {
      this.#floor = offset;
      // So that a connection that breaks within its history goes on within it.
      this.#position = { epoch, offset: Math.max(0, offset - this.#history) };
    } else if (!this.#isReplayed || before.offset > offset) {
      this.#floor = offset;
      this.#restart = { epoch, offset: this.#isReplayed ? offset : 0 };
    }
    return before !== null;
  }

  /** A message came; an ephemeral one has no place and is always new. */
  take({ offset }: MessageFrame): Verdict {
    const position = this.#position;
    if (offset === undefined || !position) return "new";
    if (offset <= position.offset) return "repeated";
    if (offset > Math.max(position.offset, this.#floor) + 1) return "hole";
    this.#position = { epoch: position.epoch, offset };
    return "new";
  }

  /** Messages cannot be had any more. Returns whether that is a loss, and not only older than what was asked for. */
  skip({ to, epoch }: GapFrame): boolean {
    if (this.#restart) {
      this.#position = this.#restart;
      this.#restart = null;
      return true;
    }
    const position = this.#position;
    if (!position || to === null || epoch !== position.epoch) return true;
    if (to > position.offset) this.#position = { epoch, offset: to };
    return to > this.#floor;
  }
}
