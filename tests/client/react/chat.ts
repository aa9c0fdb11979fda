/**
 * A component that uses every hook, and shows what they return as JSON: for pages and for rendering
 * on a server.
 */
// @ts-types="@types/react"
import { createElement, type ReactNode, useEffect } from "react";
import type { TokenSource, WebSocketClass } from "../../../packages/client/mod.ts";
import type { CursorData } from "../../../packages/client/cursors.ts";
import {
  type TrackedCursors,
  useCursors,
  useMessages,
  usePresence,
  useRoom,
  useRoomEvent,
  useRoomListener,
  useRoomState,
} from "../../../packages/client/react.ts";
import type { Room } from "../../../packages/client/mod.ts";

/** Events of the rooms in these tests. */
export interface Events {
  chat: { text: string };
  wave: string;
  cursor: CursorData;
}

/** Properties of a chat. */
export interface ChatProps {
  readonly url: string | null;
  readonly token: TokenSource;
  readonly history?: number | undefined;
  /** Presence. */
  readonly state?: Record<string, unknown> | null | undefined;
  readonly limit?: number | undefined;
  readonly WebSocket?: WebSocketClass;
  /** Called when effects run. */
  readonly onEffect?: () => void;
  readonly onWave?: (wave: string) => void;
  readonly onRoom?: (room: Room<Events> | null, loadOlder: () => Promise<void>) => void;
  /** Renders more content with the room. */
  readonly children?: (room: Room<Events> | null) => ReactNode;
}

/** Contents of a chat. */
export interface Seen {
  readonly state: string;
  readonly messages: readonly string[];
  /** `1-3 before 0` */
  readonly gaps: readonly string[];
  readonly hasOlder: boolean;
  /** `alice {"mood":1}`, in order. */
  readonly members: readonly string[];
  readonly users: readonly string[];
  /** The code of a refused presence. */
  readonly refused: string | null;
}

/** The list of a room's messages. */
export function MessageTexts(
  { room, limit }: { room: Room<Events> | null; limit?: number | undefined },
): ReactNode {
  const { messages } = useMessages(room, { event: "chat", limit });
  return createElement("pre", { id: "texts" }, JSON.stringify(messages.map(({ data }) => data.text)));
}

/** The cursors of a room. `onCursors` gets the functions of the own one. */
export function CursorList({ room, onCursors }: {
  readonly room: Room<Events> | null;
  readonly onCursors: (cursors: Pick<TrackedCursors, "move" | "hide">) => void;
}): ReactNode {
  const { others, move, hide } = useCursors(room, { intervalMs: 20 });
  useEffect(() => onCursors({ move, hide }), [onCursors, move, hide]);
  const texts = others.map(({ user, x, y }) => `${user} ${x} ${y}`);
  return createElement("pre", { id: "cursors" }, JSON.stringify(texts));
}

/** A room with everything. */
export function Chat(
  { url, token, history, state, limit, WebSocket, onEffect, onWave, onRoom, children }: ChatProps,
): ReactNode {
  const room = useRoom<Events>(url, { token: (request) => token(request), history, WebSocket });
  const { type } = useRoomState(room);
  const { messages, gaps, hasOlder, loadOlder } = useMessages(room, { event: ["chat"], limit });
  const { members, users, error } = usePresence(room, state && { ...state });
  useRoomEvent(room, "wave", ({ data }) => onWave?.(data));
  useRoomListener(room, "error", (failure) => onWave?.(`error ${failure.code}`));
  useEffect(() => onEffect?.(), []);
  useEffect(() => onRoom?.(room, loadOlder));
  const seen: Seen = {
    state: type,
    messages: messages.map(({ data }) => data.text),
    gaps: gaps.map(({ from, to, index }) => `${from}-${to} before ${index}`),
    hasOlder,
    members: members.map((member) => `${member.user} ${JSON.stringify(member.state)}`),
    users: [...users.keys()],
    refused: error?.code ?? null,
  };
  return createElement(
    "div",
    null,
    createElement("pre", { id: "seen" }, JSON.stringify(seen)),
    children?.(room),
  );
}
