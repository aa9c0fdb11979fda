import type { PresenceChange, PresenceEntry } from "../../backplane/contract.ts";
import type { DelayListener, FlushScheduler, TickListener } from "./flush_scheduler.ts";
import { FlushTiming, type Pending } from "./flush_timing.ts";
import { type Frame, JoinedFrames, merge, sendFrames, type UnicastFrame } from "./joined_text.ts";
import { PresenceFrame, PresenceList } from "./presence_list.ts";
import { type FrameKind, type Recipient, takes } from "./recipient.ts";
import { labelled } from "./room_label.ts";

/** A message for all, but one recipient at most. */
interface MessageFrame<R> extends Frame {
  text: string;
  readonly except: R | undefined;
}

type SharedFrame<R> = MessageFrame<R> | PresenceFrame;

/**
 * A recipient, and its pending unicast frames. They are kept here, since a lookup per recipient at
 * every flush would cost as much as our part of a send.
 */
interface RecipientState<R> {
  readonly recipient: R;
  unicast: UnicastFrame[] | undefined;
}

/** Recipients and lifetime of an ephemeral message. */
export interface EphemeralOptions<R> {
  readonly except?: R | undefined;
  /** The newest message with this key stands for those that are pending. */
  readonly key?: string | undefined;
}

/** Dependencies of a queue. */
export interface OutboundQueueDeps {
  readonly scheduler: FlushScheduler;
  readonly ephemeralTickMs: number;
  /** Counts frames by their recipients. */
  readonly metrics: { deliveries: number };
}

/** Pending characters above which frames are sent at once, so that joined messages stay small. */
const MAX_PENDING_LENGTH = 65_536;
/** Most pending frames. Those that a newer one replaced have no length. */
const MAX_PENDING_FRAMES = 4_096;

/**
 * Everything that a room sends: messages, presence changes and replies, to each member in the order
 * in which they were created. Frames that go out together are joined into one text, the same for
 * all members that take it. A delivery then costs one WebSocket message, however many frames it
 * holds. `FlushTiming` decides when they go out.
 */
export class OutboundQueue<R extends Recipient> implements TickListener, DelayListener {
  readonly #deps: OutboundQueueDeps;
  readonly #timing: FlushTiming;
  readonly #presence: PresenceList;
  readonly #recipients = new Map<R, RecipientState<R>>();
  /** Number of recipients that take joined frames. */
  #joining = 0;
  #pending: SharedFrame<R>[] = [];
  #length = 0;
  /** Kinds of the pending frames. */
  #kinds = new Set<FrameKind>();
  /** Pending ephemeral messages with a key. */
  readonly #keyed = new Map<string, MessageFrame<R>>();
  /** Recipients that do not get all of the pending frames; undefined most of the time. */
  #excluded: Set<R> | undefined;
  /** Position of the last unicast frame: no presence change after it joins a frame before it. */
  #unicastAt = 0;
  /** Time at which a delay flushes; infinite without one. */
  #dueAt = Infinity;

  /** Takes the presence entries at the start. */
  constructor(present: Iterable<PresenceEntry>, deps: OutboundQueueDeps) {
    this.#presence = new PresenceList(present);
    this.#deps = deps;
    this.#timing = new FlushTiming(deps.ephemeralTickMs);
  }

  /** The `presence` frame with everybody, without the changes that are pending. */
  get presenceText(): string {
    return this.#presence.text;
  }

  /**
   * Adds a recipient. `sendFirst` sends what it gets before the frames that come from now on.
   * Presence changes that are pending may follow too.
   */
  add(recipient: R, sendFirst: () => void): void {
    // In a crowd the list would otherwise be made for each joining member.
    if (this.#dueAt === Infinity || this.#kinds.has("message") || this.#kinds.has("ephemeral")) this.flush();
    sendFirst();
    if (this.#recipients.has(recipient)) return;
    if (recipient.joinsFrames) this.#joining += 1;
    this.#recipients.set(recipient, { recipient, unicast: undefined });
  }

  /** Removes a recipient; its pending frames are dropped. */
  delete(recipient: R): void {
    if (this.#recipients.delete(recipient) && recipient.joinsFrames) this.#joining -= 1;
  }

  /** Sends a message to everyone, except to one recipient if given. */
  message(text: string, except?: R): void {
    this.#toAll({ text, kind: "message", except });
  }

  /** Sends a message that slow recipients do not get. A newer one with its key replaces it. */
  ephemeral(text: string, { except, key }: EphemeralOptions<R> = {}): void {
    const frame: MessageFrame<R> = { text, kind: "ephemeral", except };
    if (key !== undefined && this.#recipients.size > 0) this.#replace(key, frame);
    this.#toAll(frame);
  }

  /** Sends a presence change, and applies it to the list then. */
  change(change: PresenceChange): void {
    const last = this.#unicastAt < this.#pending.length ? this.#pending.at(-1) : undefined;
    const frame = last instanceof PresenceFrame && last.takes(change) ? last : new PresenceFrame();
    if (frame !== last) this.#pending.push(frame);
    this.#grow("presence", frame.add(change));
  }

  /**
   * Sends a frame to one recipient, after everything that is pending for it. A reply overtakes
   * frames that wait for the ephemeral tick.
   */
  toOne(recipient: R, text: string, kind: "ephemeral" | "reply"): void {
    if (kind === "ephemeral") this.#deps.metrics.deliveries += 1;
    const position = this.#pending.length;
    const state = position > 0 ? this.#recipients.get(recipient) : undefined;
    if (!state || kind === "reply" && this.#timing.areOvertaken(this.#kinds)) {
      if (takes(recipient, kind)) recipient.send(labelled(text, recipient.label));
      return;
    }
    (state.unicast ??= []).push({ text, kind, position });
    this.#unicastAt = position;
    this.#length += text.length;
    if (this.#length > MAX_PENDING_LENGTH) this.flush();
  }

  /** Sends the pending frames. */
  flush(): void {
    const pending = this.#pending;
    if (pending.length === 0) return;
    const { scheduler, metrics } = this.#deps;
    const excluded = this.#excluded;
    const kinds = this.#kinds;
    this.#timing.flushed(kinds, () => scheduler.now());
    this.#reset();
    for (const frame of pending) {
      if (!(frame instanceof PresenceFrame)) continue;
      this.#presence.apply(frame);
      metrics.deliveries += this.#recipients.size;
    }
    const hasPresence = kinds.has("presence");
    const hasEphemeral = kinds.has("ephemeral");
    // Made for the first recipient that takes it: a room of plain clients needs none.
    const joined = new Map<string | undefined, JoinedFrames>();
    for (const state of this.#recipients.values()) {
      const { recipient, unicast } = state;
      const leavesOut = hasPresence && !recipient.seesPresence || hasEphemeral && recipient.isSlow ||
        excluded?.has(recipient) === true;
      const own = unicast?.filter(({ kind }) => takes(recipient, kind));
      if (unicast) state.unicast = undefined;
      if (recipient.joinsFrames && !leavesOut) {
        const { label } = recipient;
        let frames = joined.get(label);
        if (!frames) joined.set(label, frames = new JoinedFrames(pending, label));
        recipient.send(own?.length ? frames.with(own) : frames.text);
      } else if (own || leavesOut) {
        const frames = merge(pending, own ?? []);
        sendFrames(
          recipient,
          frames.filter((frame) => takes(recipient, frame.kind) && !isExcept(frame, recipient)),
        );
      } else sendFrames(recipient, pending);
    }
  }

  tickSettled(): void {
    if (this.#pending.length === 0) return;
    const { scheduler } = this.#deps;
    const now = scheduler.now();
    const waitMs = this.#timing.waitMs(this.#state(), now);
    if (waitMs === 0) return this.#sendBatch(now, false);
    if (now + waitMs >= this.#dueAt) return;
    this.#dueAt = now + waitMs;
    scheduler.delay(this, waitMs);
  }

  delayEnded(): void {
    this.#dueAt = Infinity;
    if (this.#pending.length > 0) this.#sendBatch(this.#deps.scheduler.now(), true);
  }

  /** Drops what is pending. */
  close(): void {
    this.#reset();
  }

  /** Leaves out the pending message with a key, if the same recipients get the new one. */
  #replace(key: string, frame: MessageFrame<R>): void {
    const older = this.#keyed.get(key);
    if (older && older.except === frame.except) {
      this.#length -= older.text.length;
      this.#deps.metrics.deliveries -= this.#countOf(older);
      older.text = "";
    }
    this.#keyed.set(key, frame);
  }

  #toAll(frame: MessageFrame<R>): void {
    if (this.#recipients.size === 0) return;
    this.#pending.push(frame);
    this.#deps.metrics.deliveries += this.#countOf(frame);
    if (frame.except !== undefined) (this.#excluded ??= new Set()).add(frame.except);
    this.#grow(frame.kind, frame.text.length);
  }

  #countOf({ except }: MessageFrame<R>): number {
    return this.#recipients.size - (except === undefined ? 0 : 1);
  }

  /** Records what has been added, and asks for a flush. */
  #grow(kind: FrameKind, length: number): void {
    this.#kinds.add(kind);
    this.#length += length;
    const frames = this.#pending.length;
    if (this.#length > MAX_PENDING_LENGTH || frames > MAX_PENDING_FRAMES) return this.flush();
    if (this.#timing.mayChange(frames)) this.#deps.scheduler.schedule(this);
  }

  #reset(): void {
    this.#pending = [];
    this.#length = this.#unicastAt = 0;
    this.#kinds = new Set();
    this.#excluded = undefined;
    if (this.#keyed.size > 0) this.#keyed.clear();
    if (this.#dueAt < Infinity) this.#deps.scheduler.cancel(this);
    this.#dueAt = Infinity;
  }

  #sendBatch(now: number, timedOut: boolean): void {
    this.#timing.batchSent(this.#state(), now, timedOut);
    this.flush();
  }

  #state(): Pending {
    return {
      frames: this.#pending.length,
      length: this.#length,
      kinds: this.#kinds,
      members: this.#recipients.size,
      joining: this.#joining,
    };
  }
}

function isExcept<R extends Recipient>(frame: Frame | MessageFrame<R>, recipient: R): boolean {
  return "except" in frame && frame.except === recipient;
}
