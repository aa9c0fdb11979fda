// @ts-types="@types/react"
import { useEffect } from "react";
import { systemClock } from "../clock.ts";
import { createRoom } from "../connect.ts";
import type { RoomOptions } from "../options.ts";
import type { EventTypes, Room } from "../room.ts";
import { useLatest, useRetained } from "./use_retained.ts";

/**
 * Connects to a room while the component is mounted. Returns the room from the first render on,
 * idle until the mount. Without a url (signed out, nothing chosen yet) it returns null.
 *
 * - Another url creates another room and closes the previous one. Every call has its own room and
 *   connection: call it once and pass the room down, by props or a context.
 * - `token` is the callback of the last render, so it may be inline. All other options apply when
 *   the room is created.
 * - Give the component a `key`, such as the user's id, so that another user starts without the
 *   first one's messages.
 * - The room closes, with 1000, right after the unmount, unless the component is mounted again by
 *   then (StrictMode, Fast Refresh). `<Activity>` closes a hidden room; shown again it resumes.
 * - On the server the room stays idle: no token request, no connection.
 *
 * @throws {TypeError} while rendering, if the url is not a room's address
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
  const held = useRetained(() => {
    if (url === null || url === undefined) return null;
    const latestToken: RoomOptions["token"] = (request) => token.current(request);
    return new HeldRoom(createRoom<Published, Received>(url, { ...options, token: latestToken }));
  }, [url]);
  useEffect(() => held?.hold(), [held]);
  return held?.room ?? null;
}

/** A room that is open while it is held, and for one tick of the event loop after that. */
class HeldRoom<Published extends EventTypes, Received extends EventTypes> {
  readonly room: Room<Published, Received>;
  #cancelClosing: (() => void) | null = null;

  constructor(room: Room<Published, Received>) {
    this.room = room;
  }

  /** Opens the room. Returns a function that releases it. */
  hold(): () => void {
    this.#cancelClosing?.();
    this.#cancelClosing = null;
    this.room.open();
    return () => {
      this.#cancelClosing = systemClock.setTimer(() => void this.room.close(), 0);
    };
  }
}
