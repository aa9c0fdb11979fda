import type { MonotonicClock, WallClock } from "../../clocks.ts";
import type { Draft, Page, PageRequest } from "../contract.ts";
import type { Appended } from "./message_log.ts";
import { MemoryRoom, type MemoryRoomOptions } from "./memory_room.ts";

/** Memory of a room without its name and messages, in bytes; measured, rounded up. */
const ROOM_BYTES = 1_900;
/**
 * Share of the bound that one eviction frees: finding the oldest room costs more than removing it.
 */
const FREED_SHARE = 1 / 16;
/** Names of evicted rooms that are remembered. */
const MAX_REMEMBERED_EVICTIONS = 10_000;

function roomBytes({ name, log }: MemoryRoom): number {
  return ROOM_BYTES + 2 * name.length + log.bytes;
}

/** Options of `MemoryRooms`. */
export interface MemoryRoomsOptions extends Omit<MemoryRoomOptions, "onExpired"> {
  /** Approximate bound of the memory of all rooms, in bytes. */
  readonly maxBytes: number;
  /** Random text, unique to this process. */
  readonly id: string;
  readonly now: MonotonicClock;
  readonly wallNow: WallClock;
}

/**
 * All rooms of a memory store. Rooms without members and history are removed immediately. Rooms
 * with history and without members are evicted when space is needed, least recently used first.
 */
export class MemoryRooms {
  readonly #options: MemoryRoomsOptions;
  readonly #roomOptions: MemoryRoomOptions;
  readonly #rooms = new Map<string, MemoryRoom>();
  /** Rooms with history and without members, least recently used first. */
  readonly #idle = new Set<MemoryRoom>();
  /** Number of each evicted room's last eviction, counted from 1. */
  readonly #evictionOf = new Map<string, number>();
  /** Eviction number assumed for rooms that are not in `#evictionOf`. */
  #assumedEviction = 0;
  #evictions = 0;
  #bytes = 0;

  constructor(options: MemoryRoomsOptions) {
    this.#options = options;
    this.#roomOptions = {
      ...options,
      onExpired: (room, change) => {
        this.release(room);
        room.deliver({ type: "presence", change });
      },
    };
  }

  get size(): number {
    return this.#rooms.size;
  }

  /** Approximate memory of all rooms, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Iterates over all rooms. */
  all(): Iterable<MemoryRoom> {
    return this.#rooms.values();
  }

  /** Returns the room; undefined if it does not exist. */
  find(name: string): MemoryRoom | undefined {
    return this.#rooms.get(name);
  }

  /** Returns the room, creating it if needed. Callers that add nothing to it must `release` it. */
  obtain(name: string): MemoryRoom {
    const known = this.#rooms.get(name);
    if (known) return known;
    const room = new MemoryRoom(name, this.#epoch(name), this.#roomOptions);
    this.#rooms.set(name, room);
    this.#bytes += roomBytes(room);
    this.#enforceBound(room);
    return room;
  }

  /** Reports a use of the room, after which its members may have changed. */
  release(room: MemoryRoom): void {
    this.#idle.delete(room);
    if (room.isInUse) return;
    if (room.log.head === 0) this.#remove(room);
    else this.#idle.add(room);
  }

  /** Stores drafts and enforces the memory bound. */
  append(room: MemoryRoom, drafts: readonly Draft[]): Appended {
    const before = room.log.bytes;
    const appended = room.log.append(drafts, { at: this.#options.wallNow(), now: this.#options.now() });
    this.#bytes += room.log.bytes - before;
    this.#enforceBound(room);
    this.release(room);
    return appended;
  }

  /** Reads a page of a room's history; empty if the room does not exist. */
  page(name: string, request: PageRequest): Page {
    const room = this.#rooms.get(name);
    if (!room) return { epoch: this.#epoch(name), head: 0, first: 1, messages: [], more: false };
    const before = room.log.bytes;
    const page = room.log.page(request, this.#options.now());
    this.#bytes += room.log.bytes - before;
    this.release(room);
    return { epoch: room.epoch, ...page };
  }

  /** Chooses the epoch of a new room: never an earlier one after its history was evicted. */
  #epoch(name: string): string {
    return `${this.#options.id}-${this.#evictionOf.get(name) ?? this.#assumedEviction}`;
  }

  /** Evicts rooms without members first, then the oldest messages of the room that needs space. */
  #enforceBound(room: MemoryRoom): void {
    if (this.#bytes <= this.#options.maxBytes) return;
    this.#idle.delete(room);
    const enough = this.#options.maxBytes * (1 - FREED_SHARE);
    for (const idle of this.#idle) {
      if (this.#bytes <= enough) return;
      this.#evict(idle);
    }
    while (this.#bytes > this.#options.maxBytes) {
      const before = room.log.bytes;
      if (!room.log.dropOldest()) return;
      this.#bytes += room.log.bytes - before;
    }
  }

  #evict(room: MemoryRoom): void {
    this.#idle.delete(room);
    this.#remove(room);
    if (this.#evictionOf.size >= MAX_REMEMBERED_EVICTIONS) {
      this.#evictionOf.clear();
      this.#assumedEviction = ++this.#evictions;
    }
    this.#evictionOf.set(room.name, ++this.#evictions);
  }

  #remove(room: MemoryRoom): void {
    this.#rooms.delete(room.name);
    this.#bytes -= roomBytes(room);
  }
}
