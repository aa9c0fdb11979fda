import type { Direction } from "./faults.ts";
import { FrameSplitter, type Piece } from "./frame_splitter.ts";
import { HeadReader, type RequestHead, requestOf } from "./http_head.ts";

/** What a conversation tells, before the bytes in question go on. */
export interface ConversationListener {
  onRequest(head: RequestHead): void;
  /** The server agreed to speak WebSocket. */
  onUpgraded(): void;
}

/** How the bytes of one direction are to be read; `blind` ones go on unseen. */
type Reading =
  | { readonly as: "blind" }
  | { readonly as: "head"; readonly head: HeadReader }
  | { readonly as: "body"; left: number }
  | { readonly as: "frames"; readonly frames: FrameSplitter };

const BLIND: Reading = { as: "blind" };

/**
 * Reads along on one connection: HTTP requests, one after the other, and WebSocket messages once one of them was answered with 101.
 * What cannot be read (a chunked body, an answer to a plain request) goes on unseen.
 */
export class Conversation {
  readonly #listener: ConversationListener;
  readonly #readings: Record<Direction, Reading> = { toServer: headReading(), toClient: BLIND };

  constructor(listener: ConversationListener) {
    this.#listener = listener;
  }

  /** Takes a chunk in and gives what goes on. `wholeMessages` keeps back what is not complete of a WebSocket message. */
  take(direction: Direction, chunk: Uint8Array, wholeMessages: boolean): Piece[] {
    const pieces: Piece[] = [];
    for (let rest = chunk; rest.length > 0;) rest = this.#takeSome(direction, rest, wholeMessages, pieces);
    return pieces;
  }

  /** What was kept back in a direction; it ends here, or need not wait any more. */
  takeRest(direction: Direction): Piece[] {
    const reading = this.#readings[direction];
    if (reading.as === "frames") return reading.frames.takeRest();
    if (reading.as !== "head") return [];
    const bytes = reading.head.takeRest();
    return bytes.length > 0 ? [{ bytes, passed: 0 }] : [];
  }

  /** Takes the beginning of a chunk, and gives what is left of it. */
  #takeSome(direction: Direction, chunk: Uint8Array, wholeMessages: boolean, pieces: Piece[]): Uint8Array {
    const reading = this.#readings[direction];
    switch (reading.as) {
      case "blind":
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
        const read = reading.head.push(chunk);
        if (!read) return chunk.subarray(chunk.length);
        pieces.push({ bytes: read.bytes, passed: 0 });
        if (direction === "toServer") this.#takeRequest(read.text);
        else this.#takeAnswer(read.text);
        return chunk.subarray(read.used);
      }
      case "frames":
        pieces.push(...reading.frames.push(chunk), ...(wholeMessages ? [] : reading.frames.takeRest()));
        return chunk.subarray(chunk.length);
    }
  }

  #takeRequest(text: string): void {
    const head = requestOf(text);
    this.#readings.toServer = head.bodyLength === undefined
      ? BLIND
      : head.bodyLength > 0
      ? { as: "body", left: head.bodyLength }
      : headReading();
    if (head.isUpgrade) {
      this.#readings.toServer = BLIND;
      // Clients wait for an answer before they ask again, so the next that comes is the answer to this.
      this.#readings.toClient = headReading();
    }
    this.#listener.onRequest(head);
  }

  #takeAnswer(text: string): void {
    const isUpgraded = text.startsWith("HTTP/1.1 101 ");
    for (const direction of ["toClient", "toServer"] as const) {
      this.#readings[direction] = isUpgraded
        ? { as: "frames", frames: new FrameSplitter(direction) }
        : direction === "toServer"
        ? headReading()
        : BLIND;
    }
    if (isUpgraded) this.#listener.onUpgraded();
  }
}

function headReading(): Reading {
  return { as: "head", head: new HeadReader() };
}
