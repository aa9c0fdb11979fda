import { BackplaneUnavailable } from "../contract.ts";
import { type Call, rejectAll, sizeOf } from "./publish_call.ts";

/** First pause before another attempt, in milliseconds. Each further one is twice as long. */
const FIRST_PAUSE_MS = 25;
/** Longest pause between two attempts, in milliseconds. */
const LONGEST_PAUSE_MS = 1_000;

/** Options of `LockedRooms`. */
export interface LockedRoomsOptions {
  /** Maximum waiting messages of one room; further calls are rejected. */
  readonly maxPerRoom: number;
  /** Time after which the calls of a room are rejected, in milliseconds. */
  readonly patienceMs: number;
  /** Called when a room is due for another attempt. */
  readonly onDue: () => void;
}

/** Durable calls of a room that another transaction has locked. */
interface LockedRoom {
  calls: Call[];
  size: number;
  /** Sum of all pauses so far. */
  waitedMs: number;
  pauseMs: number;
  /** Timer of the next attempt; undefined if the room is due. */
  timer: ReturnType<typeof setTimeout> | undefined;
}

/**
 * Calls that a batch left out, because another transaction has locked their room. They wait in
 * their order, and later calls of the room behind them, so that other rooms do not.
 */
export class LockedRooms {
  readonly #options: LockedRoomsOptions;
  readonly #rooms = new Map<string, LockedRoom>();

  constructor(options: LockedRoomsOptions) {
    this.#options = options;
  }

  /** True if durable calls of the room have to wait here. */
  has(room: string): boolean {
    return this.#rooms.has(room);
  }

  /** True if a room is due for another attempt. */
  get isDue(): boolean {
    return [...this.#rooms.values()].some(({ timer }) => timer === undefined);
  }

  /** Adds a call behind those of its room, or rejects it. */
  add(call: Call): void {
    const room = this.#rooms.get(call.room) ??
      { calls: [], size: 0, waitedMs: 0, pauseMs: 0, timer: undefined };
    const { maxPerRoom } = this.#options;
    if (room.size > 0 && room.size + sizeOf(call) > maxPerRoom) {
      return call.stored.reject(
        new BackplaneUnavailable(
          `Another transaction has locked the room, and ${room.size} of ${maxPerRoom} messages wait. Retry later.`,
        ),
      );
    }
    this.#rooms.set(call.room, room);
    room.calls.push(call);
    room.size += sizeOf(call);
  }

  /** Takes the first calls of all due rooms, up to `batch` messages. */
  takeDue(batch: number): Call[] {
    const taken: Call[] = [];
    let size = 0;
    for (const room of this.#rooms.values()) {
      if (room.timer !== undefined) continue;
      let count = 0;
      for (const call of room.calls) {
        size += sizeOf(call);
        if (taken.length + count > 0 && size > batch) break;
        count++;
      }
      taken.push(...room.calls.slice(0, count));
      if (size > batch) break;
    }
    return taken;
  }

  /** Removes a call that was taken and is settled. A room without calls is locked no longer. */
  settle(call: Call): void {
    const room = this.#rooms.get(call.room);
    if (!room) return;
    room.calls = room.calls.filter((other) => other !== call);
    room.size -= sizeOf(call);
    room.waitedMs = room.pauseMs = 0;
    if (room.calls.length === 0) this.#rooms.delete(call.room);
  }

  /** Starts the pause before the room's next attempt, or rejects its calls after the last one. */
  postpone(name: string): void {
    const room = this.#rooms.get(name);
    if (!room || room.timer !== undefined) return;
    if (room.waitedMs >= this.#options.patienceMs) {
      return this.reject(
        name,
        new BackplaneUnavailable(
          "Another transaction has locked the room for too long. Commit it soon after rooms.publish(). Retry later.",
        ),
      );
    }
    room.pauseMs = Math.min(LONGEST_PAUSE_MS, Math.max(FIRST_PAUSE_MS, room.pauseMs * 2));
    room.waitedMs += room.pauseMs;
    room.timer = setTimeout(() => {
      room.timer = undefined;
      this.#options.onDue();
    }, room.pauseMs);
  }

  /** Rejects all calls of a room, in their order. */
  reject(name: string, error: unknown): void {
    const room = this.#rooms.get(name);
    if (!room) return;
    this.#rooms.delete(name);
    clearTimeout(room.timer);
    rejectAll(room.calls, error);
  }

  /** Rejects the calls of all rooms. */
  close(): void {
    for (const name of [...this.#rooms.keys()]) {
      this.reject(name, new BackplaneUnavailable("The backplane is closed."));
    }
  }
}
