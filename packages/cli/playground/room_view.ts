/// <reference lib="dom" />
import { createRoom, type TokenSource } from "../../client/mod.ts";
import { showChat } from "./chat/chat_panel.ts";
import { BreakableNetwork } from "./connection/breakable_network.ts";
import { showConnection } from "./connection/connection_panel.ts";
import { onAbort, pageElement } from "./dom.ts";
import { showFrames } from "./frames/frame_panel.ts";
import type { AnyEvents, PlaygroundRoom } from "./playground_room.ts";
import { showPresence } from "./presence_panel.ts";

/** Messages that are loaded on joining. */
const HISTORY = 50;

/** Room to open, its tokens, and what the page does about its states. */
export interface RoomViewOptions {
  /** Address of the room's endpoint. */
  readonly address: string;
  /** Makes the token callback, given a `fetch` that fails while the network is off. */
  readonly tokens: (get: typeof fetch) => TokenSource;
  /** Called with the verified user once the connection is live. */
  readonly onUser: (user: string) => void;
  /** Called when the token is no longer accepted and there is no other. */
  readonly onSignedOut: () => void;
}

/** Joins a room and shows it. Returns a function that leaves the room and hides it. */
export function openRoomView({ address, tokens, onUser, onSignedOut }: RoomViewOptions): () => void {
  const ending = new AbortController();
  const { signal } = ending;
  const network = new BreakableNetwork();
  const room: PlaygroundRoom = createRoom<AnyEvents, AnyEvents>(address, {
    token: tokens(network.fetch),
    history: HISTORY,
    WebSocket: network.WebSocket,
    fetch: network.fetch,
  });
  pageElement("room-view", HTMLElement).hidden = false;
  const showPending = showConnection({ room, signal }, network);
  showPresence({ room, signal });
  showFrames({ room, signal });
  showChat({ room, signal }, showPending);
  onAbort(
    signal,
    room.on("state", (state) => {
      if (state.type === "live") onUser(state.user);
      if (state.type === "closed" && state.reason.code === "signed_out") onSignedOut();
    }),
  );
  room.open();
  return () => {
    pageElement("room-view", HTMLElement).hidden = true;
    ending.abort();
    void room.close();
  };
}
