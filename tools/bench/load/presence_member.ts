import { createMarkerCounter } from "./marker.ts";
import { encodeText } from "./member.ts";
import { RawSocket } from "./raw_socket.ts";
import type { SocketLoop } from "./socket_loop.ts";
import { REALTIME_V1 } from "../../../packages/protocol/subprotocols.ts";

/** Marker that occurs once in `welcome`, and once per entry of a `presence` frame. */
const countConnections = createMarkerCounter('"connection":"');
const countAcks = createMarkerCounter('"type":"ack"');
const countErrors = createMarkerCounter('"type":"error"');
const countLists = createMarkerCounter('"members":[');

/**
 * A member that enters presence after the first list, and counts entries. The count is right while
 * no member leaves or changes its state.
 */
export class PresenceMember {
  /** Number of received entries. */
  seen = -1;
  webSocketMessages = 0;
  bytes = 0;
  /** Time from the connect to the ack, in milliseconds. */
  enteredAfterMs = 0;
  hasEntered = false;
  readonly #startedAt = performance.now();
  readonly #socket: RawSocket;
  #isListed = false;

  /** Connects; `state` is the JSON of an object. */
  constructor(loop: SocketLoop, url: URL, state: string) {
    this.#socket = new RawSocket(loop, {
      url,
      protocol: REALTIME_V1,
      onOpen: () => {},
      onMessage: (bytes, start, end) => this.#receive(bytes, start, end, state),
    });
  }

  /** Sends a close frame. */
  close(): void {
    this.#socket.close();
  }

  #receive(bytes: Uint8Array, start: number, end: number, state: string): void {
    this.webSocketMessages++;
    this.bytes += end - start;
    this.seen += countConnections(bytes, start, end);
    if (this.hasEntered) return;
    if (countErrors(bytes, start, end) > 0) throw new Error("The server answered presence with an error.");
    if (!this.#isListed && countLists(bytes, start, end) > 0) {
      this.#isListed = true;
      this.#socket.send(encodeText(`{"type":"presence","id":"enter","state":${state}}`));
    }
    if (countAcks(bytes, start, end) === 0) return;
    this.hasEntered = true;
    this.enteredAfterMs = performance.now() - this.#startedAt;
  }
}
