/// <reference lib="dom" />
import { createRoom, type TokenSource } from "../../client/mod.ts";
import { BreakableNetwork } from "./breakable_network.ts";
import { showChat } from "./chat_panel.ts";
import { showConnection } from "./connection_panel.ts";
import { showFrames } from "./frame_panel.ts";
import { pageElement } from "./page_element.ts";
import type { Heard, PlaygroundRoom, Said } from "./playground_room.ts";
import { showPresence } from "./presence_panel.ts";
import { untilAborted } from "./until_aborted.ts";

/** Messages that are shown on coming in. */
const HISTORY = 50;

/** Who visits which room, and what the page does about it. */
export interface VisitOptions {
  readonly room: string;
  /** Makes the token callback, given a `fetch` that fails while the network is off. */
  readonly tokens: (get: typeof fetch) => TokenSource;
  /** Called with the verified user, when that is known. */
  readonly onUser: (user: string) => void;
  /** Called when the token is no longer good and there is no other. */
  readonly onSignedOut: () => void;
}

/** Goes into a room and shows it; what it returns leaves again. */
export function startVisit({ room: id, tokens, onUser, onSignedOut }: VisitOptions): () => void {
  const ending = new AbortController();
  const { signal } = ending;
  const network = new BreakableNetwork();
  const room: PlaygroundRoom = createRoom<Said, Heard>(`${location.origin}/realtime/rooms/${id}`, {
    token: tokens(network.fetch),
    history: HISTORY,
    WebSocket: network.WebSocket,
    fetch: network.fetch,
  });
  pageElement("visit", HTMLElement).hidden = false;
  const showPending = showConnection({ room, signal }, network);
  showPresence({ room, signal });
  showFrames({ room, signal });
  showChat({ room, signal }, showPending);
  untilAborted(
    signal,
    room.on("state", (state) => {
      if (state.type === "live") onUser(state.user);
      if (state.type === "closed" && state.reason.code === "signed_out") onSignedOut();
    }),
  );
  room.open();
  return () => {
    pageElement("visit", HTMLElement).hidden = true;
    ending.abort();
    void room.close();
  };
}
