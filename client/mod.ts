/**
 * The client for rooms: browsers, Deno, Node 22, Bun. docs/client.md has every option, event, state and error.
 *
 * ```ts
 * const room = connect("https://PROJECT.supabase.co/functions/v1/realtime/rooms/lobby", { token });
 * room.onMessage("chat", ({ data, from }) => console.log(from.user, data));
 * const offset = await room.publish("chat", { text: "hello" });
 * ```
 *
 * @module
 */
export { type ClientErrorCode, RoomError, type RoomErrorCode, type RoomErrorDetails } from "./errors.ts";
