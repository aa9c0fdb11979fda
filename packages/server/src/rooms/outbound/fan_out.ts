import { BatchSizer } from "./batch_sizer.ts";
import type { DelayListener, FlushScheduler, TickListener } from "./flush_scheduler.ts";
import { labelled } from "./room_label.ts";

/** Kind of a frame: some members see no presence, and slow ones get nothing ephemeral. */
export type FrameKind = "message" | "ephemeral" | "presence" | "reply";

/** A member of the room, as the fan-out sees it. */
export interface Recipient {
  /** True if it takes several frames in one WebSocket message, as a JSON array. */
  readonly joinsFrames: boolean;
  /** Beginning of its frames, if it has other rooms on the same socket (`roomLabel`). */
  readonly label: string | undefined;
  readonly seesPresence: boolean;
  readonly isSlow: boolean;
  /** Sends a text. Must not call the fan-out. */
  send(text: string): void;
}

interface Frame {
  readonly text: string;
  readonly kind: FrameKind;
}

/** A frame for all, but one recipient at most. */
interface SharedFrame<R> extends Frame {
  readonly except: R | undefined;
}

/** A frame for one recipient, and the number of pending frames for all that come before it. */
interface UnicastFrame extends Frame {
  readonly position: number;
}

/**
 * A recipient, and its pending unicast frames. They are kept here, since a lookup per recipient at
 * every flush would cost as much as our part of a send.
 */
interface RecipientState<R> {
  readonly recipient: R;
  unicast: UnicastFrame[] | undefined;
}

/** Frames joined for the recipients with one label. */
interface LabelledText {
  readonly label: string;
  readonly text: string;
}

/** Pending characters above which frames are sent at once, so that joined messages stay small. */
const MAX_PENDING_LENGTH = 65_536;
/**
 * Fewest members that joined frames are delayed for: fewer sends cost less than the delay's timer.
 */
const MIN_DELAYED_FOR = 16;

/**
 * Sends frames to the members of a room, to each in the order in which they were created. Frames of
 * one event-loop tick are joined into one text, the same for all members that take it. A delivery
 * then costs one WebSocket message, however many frames it holds. Without load a tick holds one
 * frame and settles in a microsecond. Under load frames wait until as many are pending as went out
 * last time, for a millisecond at most after the last batch is written.
 */
export class FanOut<R extends Recipient> implements TickListener, DelayListener {
  readonly #scheduler: FlushScheduler;
  readonly #recipients = new Map<R, RecipientState<R>>();
  #pending: SharedFrame<R>[] = [];
  #pendingLength = 0;
  /** Recipients that do not get all of the pending frames; undefined most of the time. */
  #excluded: Set<R> | undefined;
  readonly #batchSizer = new BatchSizer();
  /** Number of recipients that take joined frames. */
  #joining = 0;
  #isDelayed = false;

  constructor(scheduler: FlushScheduler) {
    this.#scheduler = scheduler;
  }

  /** Number of recipients. */
  get size(): number {
    return this.#recipients.size;
  }

  /** True if the recipient was added and not deleted. */
  has(recipient: R): boolean {
    return this.#recipients.has(recipient);
  }

  /** Adds a recipient: it gets the frames that come from now on. */
  add(recipient: R): void {
    this.flush();
    if (this.#recipients.has(recipient)) return;
    if (recipient.joinsFrames) this.#joining += 1;
    this.#recipients.set(recipient, { recipient, unicast: undefined });
  }

  /** Removes a recipient; its pending frames are dropped. */
  delete(recipient: R): void {
    if (this.#recipients.delete(recipient) && recipient.joinsFrames) this.#joining -= 1;
  }

  /** Sends a frame to everyone, except to one recipient if given. */
  toAll(text: string, kind: FrameKind, except?: R): void {
    if (this.#recipients.size === 0) return;
    this.#pending.push({ text, kind, except });
    if (except !== undefined) (this.#excluded ??= new Set()).add(except);
    this.#pendingLength += text.length;
    if (this.#pendingLength > MAX_PENDING_LENGTH) return this.flush();
    // During a delay the end of this tick changes nothing, unless the batch is full.
    if (!this.#isDelayed || this.#batchSizer.reachesTarget(this.#pending.length)) {
      this.#scheduler.schedule(this);
    }
  }

  /** Sends a frame to one recipient, after everything that is pending for it. */
  toOne(recipient: R, text: string, kind: FrameKind): void {
    const position = this.#pending.length;
    const state = position > 0 ? this.#recipients.get(recipient) : undefined;
    if (!state) {
      if (takes(recipient, kind)) recipient.send(labelled(text, recipient.label));
    } else if (state.unicast) state.unicast.push({ text, kind, position });
    else state.unicast = [{ text, kind, position }];
  }

  /** Sends the pending frames. */
  flush(): void {
    const pending = this.#pending;
    if (pending.length === 0) return;
    const excluded = this.#excluded;
    this.#pending = [];
    this.#pendingLength = 0;
    this.#excluded = undefined;
    if (this.#isDelayed) this.#scheduler.cancel(this);
    this.#isDelayed = false;
    // Made for the first recipient that takes it: a room of plain clients needs none.
    let joined: string | undefined;
    let joinedWithLabel: LabelledText | undefined;
    const hasPresence = pending.some(({ kind }) => kind === "presence");
    const hasEphemeral = pending.some(({ kind }) => kind === "ephemeral");
    for (const state of this.#recipients.values()) {
      const { recipient, unicast: frames } = state;
      if (frames) state.unicast = undefined;
      const leavesOut = hasPresence && !recipient.seesPresence || hasEphemeral && recipient.isSlow ||
        excluded?.has(recipient) === true;
      if (!leavesOut && recipient.joinsFrames && (!frames || areRepliesAfter(frames, pending))) {
        const { label } = recipient;
        // The usual case of a publisher: its acks come last, so the joined text serves it too.
        if (label === undefined) {
          joined ??= join(textsOf(pending));
          recipient.send(frames ? append(joined, frames) : joined);
        } else {
          if (joinedWithLabel?.label !== label) joinedWithLabel = joinWithLabel(pending, label);
          const { text } = joinedWithLabel;
          recipient.send(frames ? append(text, frames, label) : text);
        }
      } else if (frames || leavesOut) {
        const shared = excluded
          ? pending.map((frame) => frame.except === recipient ? undefined : frame)
          : pending;
        const all = merge(shared, frames ?? []);
        sendFrames(recipient, all.filter(({ kind }) => takes(recipient, kind)));
      } else sendFrames(recipient, pending);
    }
  }

  tickSettled(): void {
    if (this.#pending.length === 0) return;
    const now = this.#scheduler.now();
    if (this.#joining >= MIN_DELAYED_FOR && !this.#batchSizer.isEnough(this.#pending.length, now)) {
      this.#scheduler.delay(this, this.#batchSizer.waitMs(now));
      this.#isDelayed = true;
    } else this.#sendBatch(now, false);
  }

  delayEnded(): void {
    this.#isDelayed = false;
    this.#sendBatch(this.#scheduler.now(), true);
  }

  #sendBatch(now: number, timedOut: boolean): void {
    const frames = this.#pending.length;
    this.#batchSizer.sent({ frames, members: this.size, length: this.#pendingLength, timedOut }, now);
    this.flush();
  }
}

function takes(recipient: Recipient, kind: FrameKind): boolean {
  if (kind === "presence") return recipient.seesPresence;
  return kind !== "ephemeral" || !recipient.isSlow;
}

/** Joins frames into one WebSocket message. */
export function join(texts: readonly string[]): string {
  const [first] = texts;
  return first !== undefined && texts.length === 1 ? first : `[${texts.join(",")}]`;
}

function joinWithLabel(frames: readonly Frame[], label: string): LabelledText {
  return { label, text: join(textsOf(frames, label)) };
}

function textsOf(frames: readonly Frame[], label?: string): string[] {
  return frames.map(({ text }) => labelled(text, label));
}

/** True if the unicast frames come after all pending ones, and every member takes their kind. */
function areRepliesAfter(frames: readonly UnicastFrame[], pending: readonly Frame[]): boolean {
  return frames.every(({ position, kind }) => position === pending.length && kind === "reply");
}

/** Adds frames to joined ones. */
function append(joined: string, frames: readonly Frame[], label?: string): string {
  const before = joined.startsWith("[") ? joined.slice(0, -1) : `[${joined}`;
  return `${before},${textsOf(frames, label).join(",")}]`;
}

function sendFrames(recipient: Recipient, frames: readonly Frame[]): void {
  if (frames.length === 0) return;
  const texts = textsOf(frames, recipient.label);
  if (recipient.joinsFrames) recipient.send(join(texts));
  else for (const text of texts) recipient.send(text);
}

/**
 * Merges frames for all with those for one, in the order in which they were created. Undefined
 * stands for a frame that the recipient does not get.
 */
function merge(pending: readonly (Frame | undefined)[], unicast: readonly UnicastFrame[]): Frame[] {
  const merged: Frame[] = [];
  let next = 0;
  pending.forEach((frame, position) => {
    for (let own = unicast[next]; own && own.position <= position; own = unicast[++next]) merged.push(own);
    if (frame) merged.push(frame);
  });
  return [...merged, ...unicast.slice(next)];
}
