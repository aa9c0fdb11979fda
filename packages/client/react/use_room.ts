// @ts-types="@types/react"
import { useEffect } from "react";
import { systemClock } from "../clock.ts";
import { createRoom } from "../connect.ts";
import type { RoomOptions } from "../options.ts";
import type { EventTypes, Room } from "../room.ts";
import { useKept, useLatest } from "./use_retained.ts";

/**
 * Connects to a room while the component is mounted, and returns the room: from the first render on, idle until the component is
 * there. Without a url (nobody is signed in, nothing is chosen yet) there is no room.
 *
 * - Another url gives another room, and the one before is closed. Every call has a room and a connection of its own: call it once and
 *   hand the room down, by props or a context.
 * - `token` is the callback of the last render, so it may be written inline. All other options are taken when the room is made.
 * - For another user give the component a `key`, such as the user's id: what was one user's is not shown to the next.
 * - It is closed, with 1000, right after the unmount; if the component is back by then (StrictMode, Fast Refresh) nothing happens.
 *   Hidden by `<Activity>` it is closed, and shown again it goes on from where it was: what was missed comes then.
 * - On the server the room stays idle: nothing is asked for, opened or left behind.
 *
 * @throws {TypeError} while rendering, when the url is no room's address
 */
export function useRoom<
  Published extends EventTypes = Record<string, unknown>,
  Received extends EventTypes = Published,
>(
  url: string,
  options: RoomOptions,
): Room<Published, Received>;
export function useRoom<
  Published extends EventTypes = Record<string, unknown>,
  Received extends EventTypes = Published,
>(
  url: string | null | undefined,
  options: RoomOptions,
): Room<Published, Received> | null;
export function useRoom<
  Published extends EventTypes = Record<string, unknown>,
  Received extends EventTypes = Published,
>(
  url: string | null | undefined,
  options: RoomOptions,
): Room<Published, Received> | null {
  const token = useLatest(options.token);
  const held = useKept(() => {
    if (url === null || url === undefined) return null;
    const latestToken: RoomOptions["token"] = (request) => token.current(request);
    return new HeldRoom(createRoom<Published, Received>(url, { ...options, token: latestToken }));
  }, [url]);
  useEffect(() => held?.hold(), [held]);
  return held?.room ?? null;
}

/** A room that is open while it is held, and for one turn of the event loop after that. */
class HeldRoom<Published extends EventTypes, Received extends EventTypes> {
  readonly room: Room<Published, Received>;
  #cancelClosing: (() => void) | null = null;

  constructor(room: Room<Published, Received>) {
    this.room = room;
  }

  /** Opens the room; what it returns lets it go. */
  hold(): () => void {
    this.#cancelClosing?.();
    this.#cancelClosing = null;
    this.room.open();
    return () => {
      this.#cancelClosing = systemClock.setTimer(() => void this.room.close(), 0);
    };
  }
}
