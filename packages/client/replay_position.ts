import type { GapFrame, MessageFrame, Position, WelcomeFrame } from "../protocol/frames.ts";
import type { ReplayQuery } from "./room_link.ts";

/**
 * Verdict on a message: deliver it, ignore a repetition, or resume because earlier ones are
 * missing.
 */
export type Verdict = "new" | "repeated" | "gap";

/** Most own messages that are acked before the messages in front of them came. */
const MAX_EXCLUDED = 1_000;

/** Tracks the last received offset of a room, and classifies each message by it. */
export class ReplayPosition {
  #position: Position | null;
  readonly #history: number;
  /** Head at the start of the connection. */
  #head = 0;
  /** Last offset that was never promised: older than the room's start, or of an unknown history. */
  #floor = 0;
  /** Position after the announced gap, if the server's history is new or shorter than before. */
  #restart: Position | null = null;
  /**
   * True if the replay accounts for every offset up to the head. Another history's may be empty.
   */
  #isReplayed = false;
  /** Offsets of own messages that do not come, while earlier ones are missing. */
  readonly #excluded = new Set<number>();

  /** The first connect resumes after a position, or requests the last messages. */
  constructor(resume: Position | null, history: number) {
    this.#position = resume;
    this.#history = history;
  }

  /** Null before the first `welcome`, unless the room started with a position to resume from. */
  get position(): Position | null {
    return this.#position;
  }

  /** True once the replay is complete: own messages that are still unconfirmed were not stored. */
  get isCaughtUp(): boolean {
    return !this.#isReplayed || (this.#position?.offset ?? 0) >= this.#head;
  }

  /** Messages to replay at the next join. */
  query(connection: string | null): ReplayQuery {
    const position = this.#position;
    if (!position) return this.#history > 0 ? { history: this.#history } : {};
    const { offset, epoch } = position;
    return { after: offset, epoch, ...(connection && { connection }) };
  }

  /** Starts a connection. Returns true if it resumed. */
  welcome({ epoch, offset }: WelcomeFrame): boolean {
    const before = this.#position;
    this.#head = offset;
    this.#isReplayed = before?.epoch === epoch;
    this.#restart = null;
    // A resume brings own messages too.
    this.#excluded.clear();
    if (before === null) {
      this.#floor = offset;
      // A connection that breaks within its history resumes within it.
      this.#position = { epoch, offset: Math.max(0, offset - this.#history) };
    } else if (!this.#isReplayed || before.offset > offset) {
      this.#floor = offset;
      this.#restart = { epoch, offset: this.#isReplayed ? offset : 0 };
    }
    return before !== null;
  }

  /** Classifies a message. An ephemeral one has no offset and is always new. */
  take({ offset }: MessageFrame): Verdict {
    const position = this.#position;
    if (offset === undefined || !position) return "new";
    if (offset <= position.offset) return "repeated";
    if (offset > Math.max(position.offset, this.#floor) + 1) return "gap";
    this.#advance(position.epoch, offset);
    return "new";
  }

  /** Counts an own message that does not come as received, once everything before it is. */
  exclude(offset: number): void {
    const position = this.#position;
    if (!position || offset <= position.offset) return;
    // Beyond the bound its successor is a gap, and the client resumes.
    if (this.#excluded.size < MAX_EXCLUDED) this.#excluded.add(offset);
    this.#advance(position.epoch, position.offset);
  }

  #advance(epoch: string, offset: number): void {
    let next = Math.max(offset, this.#floor) + 1;
    while (this.#excluded.delete(next)) offset = next++;
    this.#position = { epoch, offset };
  }

  /** Skips lost messages. Returns false if all of them are older than what the room requested. */
  skip({ to, epoch }: GapFrame): boolean {
    if (this.#restart) {
      this.#position = this.#restart;
      this.#restart = null;
      return true;
    }
    const position = this.#position;
    if (!position || to === null || epoch !== position.epoch) return true;
    if (to > position.offset) this.#advance(epoch, to);
    return to > this.#floor;
  }
}
