/**
 * Cursors of a room's members: sends the own position at a bounded rate, and has the others'
 * positions for drawing.
 *
 * ```ts
 * const cursors = trackCursors(room);
 * addEventListener("pointermove", ({ clientX, clientY }) => cursors.move(clientX, clientY));
 * cursors.subscribe((others) => draw(others));
 * ```
 *
 * @module
 */
import { type Clock, systemClock } from "./clock.ts";
import { type Cursor, type CursorData, isCursorPosition } from "./cursors/cursor.ts";
import { createFrames, type RequestFrame } from "./cursors/frames.ts";
import { OtherCursors } from "./cursors/other_cursors.ts";
import { Sampler } from "./cursors/sampler.ts";
import type { EventName, EventTypes, Room, RoomMessage } from "./room.ts";

export type { Cursor, CursorData, CursorPosition } from "./cursors/cursor.ts";
export type { RequestFrame } from "./cursors/frames.ts";

/** Options of `trackCursors`. */
export interface CursorOptions<Name extends string = string> {
  /** Event that carries cursors. Default: `cursor`. */
  readonly event?: Name | undefined;
  /**
   * Shortest time between two sends, in milliseconds, 1 to 60,000. A cursor glides to a new
   * position for as long. Default: 200.
   */
  readonly intervalMs?: number | undefined;
  /** Most cursors, at least 1; the one that is still for longest goes first. Default: 100. */
  readonly limit?: number | undefined;
  /**
   * Time after which a cursor without a new position goes, in milliseconds, 1 to 3,600,000.
   * Default: 30,000.
   */
  readonly idleMs?: number | undefined;
  /** Default: the system's. */
  readonly clock?: Clock | undefined;
  /** Default: the page's animation frames, or timers in a runtime without a screen. */
  readonly requestFrame?: RequestFrame | undefined;
}

/** Cursors of a room. */
export interface Cursors {
  /** The others' cursors in the last frame; the same array until the next one. */
  readonly others: readonly Cursor[];
  /**
   * Moves the own cursor. The first position goes at once, the last one always: without a
   * connection it waits for the next.
   * @throws {RangeError} if a coordinate is no number, or beyond a billion
   */
  move(x: number, y: number): void;
  /** Hides the own cursor from the others until the next `move`. */
  hide(): void;
  /** Calls back in frames in which a cursor has moved, come or gone. Returns the removal. */
  subscribe(listener: (others: readonly Cursor[]) => void): () => void;
  /** Hides the own cursor, and ends timers, frames and listening. */
  stop(): void;
}

/**
 * Tracks a room's cursors until `stop()`. The own position is an ephemeral message with a key and
 * without an ack. A cursor of others goes with its connection's presence, when it is hidden or
 * idle, and when the room closes. Invalid positions of others are ignored. Somebody who joins sees
 * a cursor from its next move on.
 * @throws {RangeError} naming the invalid option
 */
export function trackCursors<Published extends EventTypes, Received extends EventTypes>(
  room: Room<Published, Received>,
  options: CursorOptions<EventName<Published>> = {},
): Cursors {
  const { clock = systemClock, requestFrame = createFrames(clock) } = options;
  const intervalMs = checkWhole("intervalMs", options.intervalMs ?? 200, 60_000);
  const idleMs = checkWhole("idleMs", options.idleMs ?? 30_000, 3_600_000);
  const limit = checkWhole("limit", options.limit ?? 100, 10_000);
  // The server refuses the event if the room has none of this name.
  const event = options.event ?? "cursor" as EventName<Published>;
  const received: string = event;
  const others = new OtherCursors({ clock, requestFrame, limit, idleMs, glideMs: intervalMs });
  const send = (data: CursorData) =>
    room.emit(event, data as Published[EventName<Published>], {
      key: "cursor",
      ack: false,
      exclude: "self",
    });
  const sampler = new Sampler({ clock, intervalMs, send, canSend: () => room.state.type === "live" });
  let isShown = false;

  const ends = [
    room.on("message", ({ event: name, from, data }: RoomMessage<Received>) => {
      const { connection, user } = from;
      if (name !== received || connection === undefined) return;
      if (isCursorPosition(data)) others.move(connection, user, data);
      else if (data === null) others.remove(connection);
    }),
    room.on("presence", ({ updated, left }) => {
      for (const { connection, previous } of updated) if (previous) others.rename(previous, connection);
      for (const { connection } of left) others.remove(connection);
    }),
    room.on("state", ({ type }) => {
      if (type === "live") void sampler.flush();
      else if (type === "closed") others.clear();
    }),
  ];

  return {
    get others() {
      return others.current;
    },
    move(x, y) {
      const position = { x, y };
      if (!isCursorPosition(position)) throw new RangeError(`Not a position: ${x}, ${y}.`);
      isShown = true;
      sampler.push(position);
    },
    hide() {
      if (isShown) sampler.push(null);
      isShown = false;
    },
    subscribe: (listener) => others.subscribe(listener),
    stop() {
      for (const end of ends.splice(0)) end();
      sampler.stop();
      others.stop();
      // Without a connection the others see it go with the lost one.
      if (isShown) send(null).catch(() => {});
      isShown = false;
    },
  };
}

/** Checks a whole number of 1 to `max`. */
function checkWhole(name: string, value: number, max: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= max) return value;
  throw new RangeError(`${name} must be a whole number from 1 to ${max}: ${value}.`);
}
