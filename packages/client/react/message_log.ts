import type { Position } from "../../protocol/frames.ts";
import type { EventTypes, Gap, Room, RoomMessage } from "../room.ts";
import { MAX_PAGE, type Past, readMissed } from "./read_missed.ts";

/** Messages that are missing, and where. */
export interface PlacedGap extends Gap {
  /** They are missing before `messages[index]`; at the end when there is none. */
  readonly index: number;
}

/** What a log holds. */
export interface LoggedMessages<Message> {
  /** In the order in which they belong; the same array until something changes. */
  readonly messages: readonly Message[];
  /** Where messages are missing that cannot be had any more. */
  readonly gaps: readonly PlacedGap[];
  /** False once it is known that there is nothing before the first one. */
  readonly hasOlder: boolean;
}

/** What is kept. */
export interface LogOptions<Events extends EventTypes> {
  readonly isWanted: (message: RoomMessage<Events>) => boolean;
  /** Messages and gaps that are kept, at least 1; the oldest go first. */
  readonly limit: number;
}

/** What a log reads from. */
export type ReadableRoom<Events extends EventTypes> = Pick<
  Room<EventTypes, Events>,
  "history" | "live" | "on" | "position"
>;

/** What every log begins with, so that a page that is hydrated sees what the server saw. */
export const EMPTY_LOG: LoggedMessages<never> = { messages: [], gaps: [], hasOlder: true };

/** Something of the past, or the place of what was missed and is being read. */
type Entry<Events extends EventTypes> = Past<Events> | { readonly type: "awaited"; readonly first: Position };

/**
 * The last messages of a room, from when it is first listened to. Nobody listening for a while leaves no hole: what came meanwhile is
 * read from the room's history, and what cannot be had is a gap.
 */
export class MessageLog<Events extends EventTypes> {
  readonly #room: ReadableRoom<Events>;
  readonly #isWanted: (message: RoomMessage<Events>) => boolean;
  readonly #listeners = new Set<() => void>();
  #limit: number;
  /** By how many older ones, which were asked for, the limit is passed. */
  #older = 0;
  #entries: Entry<Events>[] = [];
  /** The first message that was had, or is being read; null: none that is still here. */
  #first: Position | null = null;
  #hasOlder = true;
  #snapshot: LoggedMessages<RoomMessage<Events>> = EMPTY_LOG;
  #endListening: (() => void) | null = null;
  /** Up to where messages were had when nobody listened any more. */
  #left: Position | null = null;
  #loading: Promise<void> | null = null;

  /** @throws {RangeError} when the limit is not a whole number of at least 1 */
  constructor(room: ReadableRoom<Events>, { isWanted, limit }: LogOptions<Events>) {
    this.#room = room;
    this.#isWanted = isWanted;
    this.#limit = checkLimit(limit);
  }

  /** What is there; the same object until something changes. */
  get snapshot(): LoggedMessages<RoomMessage<Events>> {
    return this.#snapshot;
  }

  /** Calls back after every change. The room is listened to from the first to the last such callback. */
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

  /** Keeps so many from now on. @throws {RangeError} as the constructor */
  limitTo(limit: number): void {
    this.#limit = checkLimit(limit);
    if (this.#trim()) this.#changed();
  }

  /**
   * Adds a page of what was before the first message; that page is kept beyond the limit. Waits for a connection.
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
    // Shown again, a list's effects run before those that open the room again.
    await Promise.resolve();
    const query = { left, now, limit: this.#limit, isWanted: this.#isWanted };
    const missed = await readMissed(this.#room, query);
    const index = this.#entries.indexOf(awaited);
    // So much came meanwhile that it would be dropped at once.
    if (index < 0) return;
    this.#entries.splice(index, 1, ...missed);
    this.#trim();
    this.#changed();
  }

  async #loadPage(): Promise<void> {
    const room = this.#room;
    if (!this.#first && !room.position) await room.live();
    // What comes before somebody listens again will be read from there.
    if (!this.#endListening) this.#left ??= room.position;
    const had = this.#endListening ? room.position : this.#left;
    const first = this.#first ??= had && next(had);
    if (!first) return;
    // What was before belongs to a history that is lost.
    const isLost = first.epoch !== room.position?.epoch;
    const limit = Math.min(this.#limit, MAX_PAGE);
    const { messages, more } = isLost
      ? { messages: [], more: false }
      : await room.history({ before: first.offset, limit });
    this.#insert(messages, first);
    this.#hasOlder = more;
    this.#changed();
  }

  /** Puts a page before what is there, and behind gaps that are older. */
  #insert(page: readonly RoomMessage<Events>[], { epoch, offset: end }: Position): void {
    const [{ offset = end } = {}] = page;
    const gaps = this.#entries.findIndex(({ type }) => type !== "gap");
    const leading = this.#entries.splice(0, gaps < 0 ? this.#entries.length : gaps);
    // What was missed and could not be read then is in the page now.
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

  /** Drops the oldest that are too many, but not while older ones are on their way: they would not join on. */
  #trim(): boolean {
    const excess = this.#entries.length - this.#limit - this.#older;
    if (excess <= 0 || this.#loading) return false;
    this.#entries.splice(0, excess);
    this.#hasOlder = true;
    this.#first = this.#entries.map(placeOf).find((place) => place !== null) ?? null;
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

/** Where a message is, or what is being read begins. */
function placeOf<Events extends EventTypes>(entry: Entry<Events>): Position | null {
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
