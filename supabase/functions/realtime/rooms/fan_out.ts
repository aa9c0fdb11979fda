import { Gathering } from "./gathering.ts";
import type { Turn, TurnHolder, TurnWaiter } from "./turn.ts";

/** What a frame is about, as far as it matters to who gets it: some members see no presence, slow ones get nothing ephemeral. */
export type FrameKind = "message" | "ephemeral" | "presence" | "reply";

/** One who is sent frames. */
export interface Recipient {
  /** Takes several frames in one WebSocket message, as a JSON array. */
  readonly joinsFrames: boolean;
  readonly seesPresence: boolean;
  readonly isSlow: boolean;
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

/** What waits is sent before the turn ends when it is as long as this, so that a joined message stays of a handy size. */
const MAX_WAITING_LENGTH = 65_536;
/** So many sends cost more than the timer that ends a hold: for fewer nothing is held back. */
const MIN_HELD_FOR = 16;

/**
 * Sends frames to the members of a room; each gets them in the order in which they came to be. What comes in one turn of the event
 * loop is joined into one text, the same for all who take that: what a delivery costs is a WebSocket message, however many
 * frames are in it. At rest a turn holds one frame and is over in a microsecond; under load more has arrived whenever the last
 * message to everybody is on its way, and is held for at most a millisecond until it is as much as went out the last time.
 */
export class FanOut<R extends Recipient> implements TurnWaiter, TurnHolder {
  readonly #turn: Turn;
  readonly #recipients = new Set<R>();
  #waiting: Frame[] = [];
  #waitingLength = 0;
  #own = new Map<R, OwnFrame[]>();
  readonly #gathering = new Gathering();
  /** Of the recipients, those that take joined frames. */
  #joining = 0;
  #isHeld = false;

  constructor(turn: Turn) {
    this.#turn = turn;
  }

  /** Who is sent frames. */
  get recipients(): ReadonlySet<R> {
    return this.#recipients;
  }

  /** Adds a recipient: it is sent what comes from now on. */
  add(recipient: R): void {
    this.flush();
    if (!this.#recipients.has(recipient) && recipient.joinsFrames) this.#joining += 1;
    this.#recipients.add(recipient);
  }

  /** Takes a recipient off; what waited for it is dropped. */
  delete(recipient: R): void {
    if (this.#recipients.delete(recipient) && recipient.joinsFrames) this.#joining -= 1;
    this.#own.delete(recipient);
  }

  /** Sends a frame to everyone. */
  toAll(text: string, kind: FrameKind): void {
    if (this.#recipients.size === 0) return;
    this.#turn.wait(this);
    this.#waiting.push({ text, kind });
    this.#waitingLength += text.length;
    if (this.#waitingLength > MAX_WAITING_LENGTH) this.flush();
  }

  /** Sends a frame to one recipient, after everything that waits for it. */
  toOne(recipient: R, text: string, kind: FrameKind): void {
    const own = this.#own.get(recipient);
    const place = this.#waiting.length;
    if (own) own.push({ text, kind, place });
    else if (place > 0 && this.#recipients.has(recipient)) {
      this.#own.set(recipient, [{ text, kind, place }]);
    } else if (takes(recipient, kind)) recipient.send(text);
  }

  /** Sends what waits. */
  flush(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    const own = this.#own;
    this.#waiting = [];
    this.#waitingLength = 0;
    this.#own = new Map();
    if (this.#isHeld) this.#turn.release(this);
    this.#isHeld = false;
    // Made when the first one takes it: a room of plain clients needs none.
    let joined: string | undefined;
    const hasPresence = waiting.some(({ kind }) => kind === "presence");
    const hasEphemeral = waiting.some(({ kind }) => kind === "ephemeral");
    for (const recipient of this.#recipients) {
      const frames = own.size > 0 ? own.get(recipient) : undefined;
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
      if (!this.#isHeld) this.#turn.hold(this);
      this.#isHeld = true;
    } else this.#sendGathered(now, false);
  }

  holdEnded(): void {
    this.#isHeld = false;
    this.#sendGathered(this.#turn.now(), true);
  }

  #sendGathered(now: number, isLate: boolean): void {
    this.#gathering.sent(this.#waiting.length, isLate, now);
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
