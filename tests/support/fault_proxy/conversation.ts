import { HeadReader, MAX_HEAD_BYTES } from "../../../tools/support/wire/http_head.ts";
import type { Direction } from "./direction.ts";
import { FrameSplitter, type Piece } from "./frame_splitter.ts";
import { parseSeenRequest, type SeenRequest } from "./seen_request.ts";

/** Callbacks of a conversation; each runs before the bytes in question are forwarded. */
interface ConversationListener {
  onRequest(request: SeenRequest): void;
  /** The server answered with 101. */
  onUpgraded(): void;
}

/** State of one direction; `opaque` bytes are forwarded unread. */
type Reading =
  | { readonly as: "opaque" }
  | { readonly as: "head"; readonly head: HeadReader }
  | { readonly as: "body"; left: number }
  | { readonly as: "frames"; readonly frames: FrameSplitter };

const OPAQUE: Reading = { as: "opaque" };

/**
 * Reads one connection: HTTP requests, one after the other, and WebSocket messages after a 101.
 * Chunked bodies and answers to plain requests are forwarded unread.
 */
export class Conversation {
  readonly #listener: ConversationListener;
  readonly #readings: Record<Direction, Reading> = { toServer: headReading(), toClient: OPAQUE };

  constructor(listener: ConversationListener) {
    this.#listener = listener;
  }

  /**
   * Reads a chunk and returns the pieces to forward. `wholeMessages` keeps an incomplete WebSocket
   * message back.
   */
  take(direction: Direction, chunk: Uint8Array, wholeMessages: boolean): Piece[] {
    const pieces: Piece[] = [];
    for (let rest = chunk; rest.length > 0;) rest = this.#takeSome(direction, rest, wholeMessages, pieces);
    return pieces;
  }

  /** Returns the bytes that were kept back in a direction, once nothing completes them. */
  takeRest(direction: Direction): Piece[] {
    const reading = this.#readings[direction];
    if (reading.as === "frames") return reading.frames.takeRest();
    if (reading.as !== "head") return [];
    const bytes = reading.head.takeRest();
    return bytes.length > 0 ? [{ bytes, passed: 0 }] : [];
  }

  /** Reads the beginning of a chunk, and returns the rest of it. */
  #takeSome(direction: Direction, chunk: Uint8Array, wholeMessages: boolean, pieces: Piece[]): Uint8Array {
    const reading = this.#readings[direction];
    switch (reading.as) {
      case "opaque":
        pieces.push({ bytes: chunk.slice(), passed: 0 });
        return chunk.subarray(chunk.length);
      case "body": {
        const bytes = chunk.slice(0, reading.left);
        pieces.push({ bytes, passed: 0 });
        reading.left -= bytes.length;
        if (reading.left === 0) this.#readings[direction] = headReading();
        return chunk.subarray(bytes.length);
      }
      case "head": {
        const head = reading.head.push(chunk);
        if (!head && reading.head.size < MAX_HEAD_BYTES) return chunk.subarray(chunk.length);
        pieces.push({ bytes: head?.bytes ?? reading.head.takeRest(), passed: 0 });
        if (direction === "toServer") this.#takeRequest(head?.text ?? "");
        else this.#takeAnswer(head?.text ?? "");
        return head?.rest ?? chunk.subarray(chunk.length);
      }
      case "frames":
        pieces.push(...reading.frames.push(chunk), ...(wholeMessages ? [] : reading.frames.takeRest()));
        return chunk.subarray(chunk.length);
    }
  }

  #takeRequest(text: string): void {
    const request = parseSeenRequest(text);
    this.#readings.toServer = request.bodyLength === undefined
      ? OPAQUE
      : request.bodyLength > 0
      ? { as: "body", left: request.bodyLength }
      : headReading();
    if (request.isUpgrade) {
      this.#readings.toServer = OPAQUE;
      // Clients send no request before the answer, so the next head is the answer to this one.
      this.#readings.toClient = headReading();
    }
    this.#listener.onRequest(request);
  }

  #takeAnswer(text: string): void {
    const isUpgraded = text.startsWith("HTTP/1.1 101 ");
    for (const direction of ["toClient", "toServer"] as const) {
      this.#readings[direction] = isUpgraded
        ? { as: "frames", frames: new FrameSplitter(direction) }
        : direction === "toServer"
        ? headReading()
        : OPAQUE;
    }
    if (isUpgraded) this.#listener.onUpgraded();
  }
}

function headReading(): Reading {
  return { as: "head", head: new HeadReader() };
}
