"use client";
/**
 * Rooms in React, 18.2 and later. Every hook accepts null for a room that does not exist yet.
 *
 * ```tsx
 * function Chat({ id }: { id: string }) {
 *   const url = `https://PROJECT.supabase.co/functions/v1/realtime/rooms/${id}`;
 *   const room = useRoom<Events>(url, { token, history: 50 });
 *   const { messages } = useMessages(room, { event: "chat" });
 *   const { users } = usePresence(room, { name: "Ada" });
 *   …
 * }
 * ```
 *
 * Below a `RealtimeProvider` rooms share one connection: `useRoom<Events>("lobby")`.
 *
 * @module
 */
export type { LoggedMessages, PlacedGap } from "./react/message_log.ts";
export { type TrackedCursors, useCursors } from "./react/use_cursors.ts";
export { type MessageList, type MessagesOptions, useMessages } from "./react/use_messages.ts";
export { type PresentMembers, usePresence } from "./react/use_presence.ts";
export { RealtimeProvider, type RealtimeProviderProps } from "./react/realtime_provider.ts";
export { useRoom } from "./react/use_room.ts";
export { useRoomEvent, useRoomListener } from "./react/use_room_event.ts";
export { useRoomState } from "./react/use_room_state.ts";
