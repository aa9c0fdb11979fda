import { ByteQueue, concatBytes } from "../../../tools/support/wire/byte_queue.ts";
import { type DecodedFrame, FrameDecoder } from "../../../tools/support/wire/websocket_frames.ts";
import { OPCODE } from "../../../tools/support/wire/wire_frame.ts";
import type { Direction } from "./direction.ts";
import { SeenMessage } from "./seen_message.ts";

/** Bytes that the proxy forwards in one go. */
export interface Piece {
  readonly bytes: Uint8Array;
  /** Message or control frame that these bytes complete. */
  readonly message?: SeenMessage;
  /** Bytes of that message in earlier pieces. */
  readonly passed: number;
}

/**
 * Cuts one direction of a WebSocket connection at the ends of its messages. The pieces together are
 * the received bytes, unchanged.
 */
export class FrameSplitter {
  readonly #direction: Direction;
  readonly #decoder = new FrameDecoder();
  /** Received bytes that are in no piece yet. */
  readonly #pending = new ByteQueue();
  /** Bytes of the current message that are in earlier pieces. */
  #passed = 0;
  /** Bytes of the current message in complete frames. */
  #complete = 0;
  #payloads: Uint8Array[] = [];
  #opcode: number | undefined;
  #messages = 0;

  constructor(direction: Direction) {
    this.#direction = direction;
  }

  /** Adds a chunk and returns a piece for every message that is complete with it. */
  push(chunk: Uint8Array): Piece[] {
    this.#pending.append(chunk);
    return this.#decoder.push(chunk).flatMap((frame) => {
      this.#complete += frame.size;
      const message = this.#take(frame);
      return message ? [this.#takePiece(message)] : [];
    });
  }

  /** Returns the received bytes of an incomplete message, to be forwarded before the rest of it. */
  takeRest(): Piece[] {
    const bytes = this.#pending.take(this.#pending.length).slice();
    this.#passed += bytes.length;
    return bytes.length > 0 ? [{ bytes, passed: 0 }] : [];
  }

  #take({ opcode, isFinal, payload }: DecodedFrame): SeenMessage | undefined {
    if (opcode >= OPCODE.close) {
      // A control frame between the frames of a message is forwarded with that message.
      if (this.#opcode !== undefined) return undefined;
      return new SeenMessage(this.#direction, 0, opcode, payload.slice());
    }
    const first = this.#opcode ??= opcode;
    this.#payloads.push(payload.slice());
    if (!isFinal) return undefined;
    const message = new SeenMessage(this.#direction, ++this.#messages, first, concatBytes(this.#payloads));
    this.#opcode = undefined;
    this.#payloads = [];
    return message;
  }

  #takePiece(message: SeenMessage): Piece {
    const passed = this.#passed;
    const bytes = this.#pending.take(this.#complete - passed).slice();
    this.#complete = this.#passed = 0;
    return { bytes, message, passed };
  }
}
