import type { Draft, Page, PageRequest } from "../contract.ts";
import type { Appended } from "./message_log.ts";
import { MemoryRoom, type RoomOptions } from "./memory_room.ts";

/** What a room takes beside its name and messages, in bytes; measured, rounded up. */
const ROOM_BYTES = 1_900;
/** When rooms are given up, this part of the bound is made free at once: finding the oldest costs more than giving it up. */
const FREED_AT_ONCE = 1 / 16;
/** How many names of lost rooms are remembered. */
const MAX_LOST = 10_000;

function roomBytes({ name, log }: MemoryRoom): number {
  return ROOM_BYTES + 2 * name.length + log.bytes;
}

/** What the rooms need to know. */
export interface RoomsOptions extends Omit<RoomOptions, "onExpired"> {
  /** What all rooms together may take, in bytes, about. */
  readonly maxBytes: number;
  /** Random text that no other process uses. */
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/**
 * The rooms that there are. One in which nobody is and nothing was ever said is forgotten at once; one with messages when
 * space is needed, the one that was not used for the longest time first.
 */
export class MemoryRooms {
  readonly #options: RoomsOptions;
  readonly #roomOptions: RoomOptions;
  readonly #rooms = new Map<string, MemoryRoom>();
  /** Those with messages in which nobody is; the one that was not used for the longest time first. */
  readonly #idle = new Set<MemoryRoom>();
  /** Rooms whose messages were given up: by which loss, counted from 1. */
  readonly #lossOf = new Map<string, number>();
  /** The loss that is assumed for rooms that are not in `#lossOf`. */
  #assumedLoss = 0;
  #losses = 0;
  #bytes = 0;

  constructor(options: RoomsOptions) {
    this.#options = options;
    this.#roomOptions = {
      ...options,
      onExpired: (room, change) => {
        this.release(room);
        room.deliver({ type: "presence", change });
      },
    };
  }

  /** How many rooms there are. */
  get size(): number {
    return this.#rooms.size;
  }

  /** What they take together, in bytes, about. */
  get bytes(): number {
    return this.#bytes;
  }

  /** All rooms. */
  all(): Iterable<MemoryRoom> {
    return this.#rooms.values();
  }

  /** The room, when there is one. */
  find(name: string): MemoryRoom | undefined {
    return this.#rooms.get(name);
  }

  /** The room, new when there is none. Whoever does not put anything into it releases it. */
  obtain(name: string): MemoryRoom {
    const known = this.#rooms.get(name);
    if (known) return known;
    const room = new MemoryRoom(name, this.#epoch(name), this.#roomOptions);
    this.#rooms.set(name, room);
    this.#bytes += roomBytes(room);
    this.#keepBound(room);
    return room;
  }

  /** Says that the room was used and that somebody may have gone from it or come into it. */
  release(room: MemoryRoom): void {
    this.#idle.delete(room);
    if (room.isInUse) return;
    if (room.log.head === 0) this.#remove(room);
    else this.#idle.add(room);
  }

  /** Stores drafts, and keeps within the bound. */
  append(room: MemoryRoom, drafts: readonly Draft[]): Appended {
    const before = room.log.bytes;
    const appended = room.log.append(drafts, this.#options.now());
    this.#bytes += room.log.bytes - before;
    this.#keepBound(room);
    this.release(room);
    return appended;
  }

  /** Reads a page of a room's history; the room need not be there. */
  page(name: string, request: PageRequest): Page {
    const room = this.#rooms.get(name);
    if (!room) return { epoch: this.#epoch(name), head: 0, first: 1, messages: [], more: false };
    const before = room.log.bytes;
    const page = room.log.page(request, this.#options.now());
    this.#bytes += room.log.bytes - before;
    this.release(room);
    return { epoch: room.epoch, ...page };
  }

  /** The epoch that a room has when it comes into being. It must not be an earlier one once its messages were lost. */
  #epoch(name: string): string {
    return `${this.#options.id}-${this.#lossOf.get(name) ?? this.#assumedLoss}`;
  }

  /** Other rooms' history goes first, where nobody is; then the oldest of the room that needs the space. */
  #keepBound(room: MemoryRoom): void {
    if (this.#bytes <= this.#options.maxBytes) return;
    this.#idle.delete(room);
    const enough = this.#options.maxBytes * (1 - FREED_AT_ONCE);
    for (const idle of this.#idle) {
      if (this.#bytes <= enough) return;
      this.#lose(idle);
    }
    while (this.#bytes > this.#options.maxBytes) {
      const before = room.log.bytes;
      if (!room.log.forgetOldest()) return;
      this.#bytes += room.log.bytes - before;
    }
  }

  #lose(room: MemoryRoom): void {
    this.#idle.delete(room);
    this.#remove(room);
    if (this.#lossOf.size >= MAX_LOST) {
      this.#lossOf.clear();
      this.#assumedLoss = ++this.#losses;
    }
    this.#lossOf.set(room.name, ++this.#losses);
  }

  #remove(room: MemoryRoom): void {
    this.#rooms.delete(room.name);
    this.#bytes -= roomBytes(room);
  }
}
