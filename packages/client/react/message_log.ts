import type { Position } from "../../protocol/frames.ts";
import { MAX_PAGE } from "../../protocol/limits.ts";
import type { EventTypes, Gap, Room, RoomMessage } from "../room.ts";
import { type Past, readMissed } from "./read_missed.ts";

/** A gap and its place in the list. */
export interface PlacedGap extends Gap {
  /** Index of the message after the gap; the length of the list for a gap at the end. */
  readonly index: number;
}

/** Contents of a log. */
export interface LoggedMessages<Message> {
  /** Messages in order; the same array until it changes. */
  readonly messages: readonly Message[];
  /** Messages that are lost for good. */
  readonly gaps: readonly PlacedGap[];
  /** False once the first message is known to be the oldest. */
  readonly hasOlder: boolean;
}

/** Filter and size of a log. */
export interface LogOptions<Events extends EventTypes> {
  readonly isWanted: (message: RoomMessage<Events>) => boolean;
  /** Most retained messages and gaps, at least 1; the oldest go first. */
  readonly limit: number;
}

/** Part of a room that a log reads. */
export type ReadableRoom<Events extends EventTypes> = Pick<
  Room<EventTypes, Events>,
  "history" | "live" | "on" | "position"
>;

/** Initial contents, so that hydration sees the same list as the server. */
export const EMPTY_LOG: LoggedMessages<never> = { messages: [], gaps: [], hasOlder: true };

/** A past message or gap, or the placeholder of missed messages that are being read. */
type Entry<Events extends EventTypes> = Past<Events> | { readonly type: "awaited"; readonly first: Position };

/**
 * The last messages of a room, from the first subscription on. After a pause without subscribers
 * the log reads the missed messages from the room's history; unreadable ones become a gap.
 */
export class MessageLog<Events extends EventTypes> {
  readonly #room: ReadableRoom<Events>;
  readonly #isWanted: (message: RoomMessage<Events>) => boolean;
  readonly #listeners = new Set<() => void>();
  #limit: number;
  /** Number of older messages that `loadOlder` added beyond the limit. */
  #older = 0;
  #entries: Entry<Events>[] = [];
  /** Position of the first message that is retained or being read; null without one. */
  #first: Position | null = null;
  #hasOlder = true;
  #snapshot: LoggedMessages<RoomMessage<Events>> = EMPTY_LOG;
  #endListening: (() => void) | null = null;
  /** Last position at the time of the last unsubscribe. */
  #left: Position | null = null;
  #loading: Promise<void> | null = null;

  /** @throws {RangeError} if the limit is not a whole number of at least 1 */
  constructor(room: ReadableRoom<Events>, { isWanted, limit }: LogOptions<Events>) {
    this.#room = room;
    this.#isWanted = isWanted;
    this.#limit = checkLimit(limit);
  }

  /** Current contents; the same object until they change. */
  get snapshot(): LoggedMessages<RoomMessage<Events>> {
    return this.#snapshot;
  }

  /** Calls back after every change. The log listens to the room while it has subscribers. */
  subscribe(listener: () => void): () => void {
    const own = () => listener();
    this.#listeners.add(own);
    this.#endListening ??= this.#listen();
    return () => {
      this.#listeners.delete(own);
      if (this.#listeners.size > 0 || !this.#endListening) return;
      this.#endListening();
      this.#endListening = null;
      this.#left = this.#room.position;
    };
  }

  /** Changes the limit. @throws {RangeError} as the constructor */
  limitTo(limit: number): void {
    this.#limit = checkLimit(limit);
    if (this.#trim()) this.#changed();
  }

  /**
   * Adds a page of older messages, beyond the limit. Waits for a connection.
   * @throws {RoomError} `forbidden`, `closed`, …
   */
  loadOlder(): Promise<void> {
    this.#loading ??= this.#loadPage().finally(() => {
      this.#loading = null;
      if (this.#trim()) this.#changed();
    });
    return this.#loading;
  }

  #listen(): () => void {
    const room = this.#room;
    const endMessages = room.on("message", (message) => {
      const epoch = message.offset === undefined ? null : room.position?.epoch ?? null;
      if (message.offset !== undefined && epoch !== null) this.#first ??= { epoch, offset: message.offset };
      if (this.#isWanted(message)) this.#push({ type: "message", message, epoch });
    });
    const endGaps = room.on("gap", (gap) => this.#push({ type: "gap", gap }));
    const left = this.#left;
    const { position } = room;
    if (left && position && (left.epoch !== position.epoch || left.offset < position.offset)) {
      void this.#catchUp(left, position);
    }
    return () => {
      endMessages();
      endGaps();
    };
  }

  async #catchUp(left: Position, now: Position): Promise<void> {
    const awaited: Entry<Events> = { type: "awaited", first: next(left) };
    this.#entries.push(awaited);
    this.#first ??= awaited.first;
    // After `<Activity>` shows the list, its effects run before those that open the room.
    await Promise.resolve();
    const query = { left, now, limit: this.#limit, isWanted: this.#isWanted };
    const missed = await readMissed(this.#room, query);
    const index = this.#entries.indexOf(awaited);
    // Newer messages have filled the log meanwhile.
    if (index < 0) return;
    this.#entries.splice(index, 1, ...missed);
    this.#trim();
    this.#changed();
  }

  async #loadPage(): Promise<void> {
    const room = this.#room;
    if (!this.#first && !room.position) await room.live();
    // Without subscribers, the next one reads from this position on.
    if (!this.#endListening) this.#left ??= room.position;
    const received = this.#endListening ? room.position : this.#left;
    const first = this.#first ??= received && next(received);
    if (!first) return;
    // The older messages belong to a lost history.
    const isLost = first.epoch !== room.position?.epoch;
    const limit = Math.min(this.#limit, MAX_PAGE);
    const { messages, more } = isLost
      ? { messages: [], more: false }
      : await room.history({ before: first.offset, limit });
    this.#insert(messages, first);
    this.#hasOlder = more;
    this.#changed();
  }

  /** Inserts a page before the retained messages and after older gaps. */
  #insert(page: readonly RoomMessage<Events>[], { epoch, offset: end }: Position): void {
    const [{ offset = end } = {}] = page;
    const gaps = this.#entries.findIndex(({ type }) => type !== "gap");
    const leading = this.#entries.splice(0, gaps < 0 ? this.#entries.length : gaps);
    // The page contains the messages of later gaps, which were unreadable before.
    const older = leading.filter((entry) => entry.type === "gap" && (entry.gap.to ?? 0) < offset);
    const wanted = page.filter(this.#isWanted).map((message): Past<Events> => ({
      type: "message",
      message,
      epoch,
    }));
    this.#entries = [...older, ...wanted, ...this.#entries];
    this.#older = Math.max(this.#older, this.#entries.length - this.#limit);
    this.#first = { epoch, offset };
  }

  #push(entry: Entry<Events>): void {
    this.#entries.push(entry);
    this.#trim();
    this.#changed();
  }

  /**
   * Drops the oldest entries above the limit, except while a page loads: it would no longer adjoin.
   */
  #trim(): boolean {
    const excess = this.#entries.length - this.#limit - this.#older;
    if (excess <= 0 || this.#loading) return false;
    this.#entries.splice(0, excess);
    this.#hasOlder = true;
    this.#first = this.#entries.map(positionOf).find((position) => position !== null) ?? null;
    return true;
  }

  #changed(): void {
    const messages: RoomMessage<Events>[] = [];
    const gaps: PlacedGap[] = [];
    for (const entry of this.#entries) {
      if (entry.type === "message") messages.push(entry.message);
      else if (entry.type === "gap") gaps.push({ ...entry.gap, index: messages.length });
    }
    this.#snapshot = { messages, gaps, hasOlder: this.#hasOlder };
    for (const listener of [...this.#listeners]) listener();
  }
}

/** Position of a message, or the start of those being read. */
function positionOf<Events extends EventTypes>(entry: Entry<Events>): Position | null {
  if (entry.type === "awaited") return entry.first;
  if (entry.type === "gap" || entry.epoch === null || entry.message.offset === undefined) return null;
  return { epoch: entry.epoch, offset: entry.message.offset };
}

function next({ epoch, offset }: Position): Position {
  return { epoch, offset: offset + 1 };
}

function checkLimit(limit: number): number {
  if (Number.isInteger(limit) && limit >= 1) return limit;
  throw new RangeError("limit must be a whole number of at least 1.");
}
