// @ts-types="@types/react"
import { useContext, useEffect, useState } from "react";
import { createRoom } from "../connect.ts";
import type { RoomOptions } from "../options.ts";
import type { AnyCalls, CallTypes, EventTypes, Room } from "../room.ts";
import type { SharedRoomOptions } from "../shared/room_connection.ts";
import { hold } from "./held.ts";
import { RealtimeContext } from "./realtime_context.ts";
import { useLatest, useRetained } from "./use_retained.ts";

/** A room's name, which is no address. */
type NotAddress<Name> = Name extends `${string}://${string}` ? never : Name;

/**
 * Connects to a room while the component is mounted. Returns the room from the first render on,
 * idle until the mount. Without a url (signed out, nothing chosen yet) it returns null.
 *
 * - In a `RealtimeProvider` a name such as `lobby` or `tables/7` uses its connection. Components
 *   with the same name share one room, with the options of the first, until the last one unmounts.
 *   An address has a room and a connection of its own, for every call: pass the room down, by props
 *   or a context.
 * - Another url creates another room and closes the previous one.
 * - `token` is the callback of the last render, so it may be inline. All other options apply when
 *   the room is created.
 * - Give the component (or the provider) a `key`, such as the user's id, so that another user
 *   starts without the first one's messages.
 * - The room closes right after the unmount, unless the component is mounted again by then
 *   (StrictMode, Fast Refresh). `<Activity>` closes a hidden room; shown again it resumes.
 * - `Calls` types `room.call`, as with `connect`.
 * - On the server the room stays idle: no token request, no connection.
 *
 * @throws {TypeError} while rendering, if the url is neither an address nor a name in a provider
 */
export function useRoom<
  Published extends EventTypes = Record<string, unknown>,
  Received extends EventTypes = Published,
  Calls extends CallTypes = AnyCalls,
>(
  url: string,
  options: RoomOptions,
): Room<Published, Received, Calls>;
export function useRoom<
  Published extends EventTypes = Record<string, unknown>,
  Received extends EventTypes = Published,
  Calls extends CallTypes = AnyCalls,
>(
  url: string | null | undefined,
  options: RoomOptions,
): Room<Published, Received, Calls> | null;
export function useRoom<
  Published extends EventTypes = Record<string, unknown>,
  Received extends EventTypes = Published,
  Calls extends CallTypes = AnyCalls,
  Name extends string = string,
>(
  name: NotAddress<Name>,
  options?: SharedRoomOptions,
): Room<Published, Received, Calls>;
export function useRoom<
  Published extends EventTypes = Record<string, unknown>,
  Received extends EventTypes = Published,
  Calls extends CallTypes = AnyCalls,
  Name extends string = string,
>(
  name: NotAddress<Name> | null | undefined,
  options?: SharedRoomOptions,
): Room<Published, Received, Calls> | null;
export function useRoom<
  Published extends EventTypes = Record<string, unknown>,
  Received extends EventTypes = Published,
  Calls extends CallTypes = AnyCalls,
>(
  url: string | null | undefined,
  options: SharedRoomOptions & Partial<RoomOptions> = {},
): Room<Published, Received, Calls> | null {
  const provided = useContext(RealtimeContext);
  const connection = url?.includes("://") ? null : provided;
  const token = useLatest(options.token);
  const [version, setVersion] = useState(0);
  const room = useRetained(() => {
    if (url === null || url === undefined) return null;
    if (connection) return connection.createRoom<Published, Received, Calls>(url, options);
    const latestToken: RoomOptions["token"] = (request) => token.current?.(request);
    return createRoom<Published, Received, Calls>(url, { ...options, token: latestToken });
  }, [url, connection, version]);
  useEffect(() => {
    // Another component opened the room while this one was hidden.
    if (room && connection?.isReplaced(room)) setVersion((before) => before + 1);
    else if (room) return hold(room);
  }, [room, connection]);
  return room;
}
