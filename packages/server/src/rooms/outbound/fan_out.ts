import { BatchSizer } from "./batch_sizer.ts";
import type { FlushScheduler, TurnHolder, TurnWaiter } from "./flush_scheduler.ts";

/** What a frame is about, as far as it matters to who gets it: some members see no presence, slow ones get nothing ephemeral. */
export type FrameKind = "message" | "ephemeral" | "presence" | "reply";

/** One who is sent frames. */
export interface Recipient {
  /** Takes several frames in one WebSocket message, as a JSON array. */
  readonly joinsFrames: boolean;
  readonly seesPresence: boolean;
  readonly isSlow: boolean;
  /** Sends a text, and calls nothing of the fan-out meanwhile. */
  send(text: string): void;
}

interface Frame {
  readonly text: string;
  readonly kind: FrameKind;
}

/** A frame for one recipient, and how many frames for all come before it. */
interface OwnFrame extends Frame {
  readonly place: number;
}

/** A recipient, and what is for it alone of what waits. Looking that up for each at every flush would cost as much as our part of a send. */
interface Seat<R> {
  readonly recipient: R;
  own: OwnFrame[] | undefined;
}

/** What waits is sent before the turn ends when it is as long as this, so that a joined message stays of a handy size. */
const MAX_WAITING_LENGTH = 65_536;
/** So many sends cost more than the timer that ends a hold: for fewer nothing is held back. */
const MIN_HELD_FOR = 16;

/**
 * Sends frames to the members of a room; each gets them in the order in which they came to be. What comes in one turn of the event
 * loop is joined into one text, the same for all who take that: what a delivery costs is a WebSocket message, however many
 * frames are in it. At rest a turn holds one frame and is over in a microsecond; under load more has arrived whenever the last
 * message to everybody is on its way, and is held until it is as much as went out the last time: for a millisecond at most, once
 * that is written.
 */
export class FanOut<R extends Recipient> implements TurnWaiter, TurnHolder {
  readonly #turn: FlushScheduler;
  readonly #seats = new Map<R, Seat<R>>();
  #waiting: Frame[] = [];
  #waitingLength = 0;
  readonly #gathering = new BatchSizer();
  /** Of the recipients, those that take joined frames. */
  #joining = 0;
  #isHeld = false;

  constructor(turn: FlushScheduler) {
    this.#turn = turn;
  }

  /** How many are sent frames. */
  get size(): number {
    return this.#seats.size;
  }

  /** Who is sent frames. */
  get recipients(): Iterable<R> {
    return this.#seats.keys();
  }

  /** Whether it is sent frames. */
  has(recipient: R): boolean {
    return this.#seats.has(recipient);
  }

  /** Adds a recipient: it is sent what comes from now on. */
  add(recipient: R): void {
    this.flush();
    if (this.#seats.has(recipient)) return;
    if (recipient.joinsFrames) this.#joining += 1;
    this.#seats.set(recipient, { recipient, own: undefined });
  }

  /** Takes a recipient off; what waited for it is dropped. */
  delete(recipient: R): void {
    if (this.#seats.delete(recipient) && recipient.joinsFrames) this.#joining -= 1;
  }

  /** Sends a frame to everyone. */
  toAll(text: string, kind: FrameKind): void {
    if (this.#seats.size === 0) return;
    this.#waiting.push({ text, kind });
    this.#waitingLength += text.length;
    if (this.#waitingLength > MAX_WAITING_LENGTH) return this.flush();
    // While more is waited for, the end of this turn changes nothing.
    if (!this.#isHeld || this.#gathering.isExpected(this.#waiting.length)) this.#turn.wait(this);
  }

  /** Sends a frame to one recipient, after everything that waits for it. */
  toOne(recipient: R, text: string, kind: FrameKind): void {
    const place = this.#waiting.length;
    const seat = place > 0 ? this.#seats.get(recipient) : undefined;
    if (!seat) {
      if (takes(recipient, kind)) recipient.send(text);
    } else if (seat.own) seat.own.push({ text, kind, place });
    else seat.own = [{ text, kind, place }];
  }

  /** Sends what waits. */
  flush(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    this.#waitingLength = 0;
    if (this.#isHeld) this.#turn.release(this);
    this.#isHeld = false;
    // Made when the first one takes it: a room of plain clients needs none.
    let joined: string | undefined;
    const hasPresence = waiting.some(({ kind }) => kind === "presence");
    const hasEphemeral = waiting.some(({ kind }) => kind === "ephemeral");
    for (const seat of this.#seats.values()) {
      const { recipient, own: frames } = seat;
      if (frames) seat.own = undefined;
      const leavesOut = hasPresence && !recipient.seesPresence || hasEphemeral && recipient.isSlow;
      if (!leavesOut && recipient.joinsFrames && (!frames || areRepliesAfter(frames, waiting))) {
        joined ??= join(textsOf(waiting));
        // The usual case of who published: its acks come after everything, so the text for all can be used for it too.
        recipient.send(frames ? append(joined, frames) : joined);
      } else if (frames || leavesOut) {
        sendFrames(recipient, merge(waiting, frames ?? []).filter(({ kind }) => takes(recipient, kind)));
      } else sendFrames(recipient, waiting);
    }
  }

  turnEnded(): void {
    if (this.#waiting.length === 0) return;
    const now = this.#turn.now();
    if (this.#joining >= MIN_HELD_FOR && !this.#gathering.isEnough(this.#waiting.length, now)) {
      this.#turn.hold(this, this.#gathering.waitMs(now));
      this.#isHeld = true;
    } else this.#sendGathered(now, false);
  }

  holdEnded(): void {
    this.#isHeld = false;
    this.#sendGathered(this.#turn.now(), true);
  }

  #sendGathered(now: number, isLate: boolean): void {
    const frames = this.#waiting.length;
    this.#gathering.sent({ frames, members: this.#seats.size, length: this.#waitingLength, isLate }, now);
    this.flush();
  }
}

function takes(recipient: Recipient, kind: FrameKind): boolean {
  if (kind === "presence") return recipient.seesPresence;
  return kind !== "ephemeral" || !recipient.isSlow;
}

/** Frames as one WebSocket message. */
export function join(texts: readonly string[]): string {
  const [first] = texts;
  return first !== undefined && texts.length === 1 ? first : `[${texts.join(",")}]`;
}

function textsOf(frames: readonly Frame[]): string[] {
  return frames.map(({ text }) => text);
}

/** Whether one's own frames come after all that wait, and are such as everybody takes. */
function areRepliesAfter(frames: readonly OwnFrame[], waiting: readonly Frame[]): boolean {
  return frames.every(({ place, kind }) => place === waiting.length && kind === "reply");
}

/** Joined frames, and more of them. */
function append(joined: string, frames: readonly Frame[]): string {
  const before = joined.startsWith("[") ? joined.slice(0, -1) : `[${joined}`;
  return `${before},${textsOf(frames).join(",")}]`;
}

function sendFrames(recipient: Recipient, frames: readonly Frame[]): void {
  if (frames.length === 0) return;
  if (recipient.joinsFrames) recipient.send(join(textsOf(frames)));
  else for (const { text } of frames) recipient.send(text);
}

/** What waits for all with what waits for one, in the order in which it came to be. */
function merge(waiting: readonly Frame[], own: readonly OwnFrame[]): Frame[] {
  const merged: Frame[] = [];
  let next = 0;
  waiting.forEach((frame, place) => {
    for (let mine = own[next]; mine && mine.place <= place; mine = own[++next]) merged.push(mine);
    merged.push(frame);
  });
  return [...merged, ...own.slice(next)];
}
