import { OPCODE } from "../../../tools/support/wire/wire_frame.ts";
import type { Direction } from "./direction.ts";

const decoder = new TextDecoder();

/** A WebSocket message or control frame that the proxy read; its payload is unmasked. */
export class SeenMessage {
  readonly direction: Direction;
  /** Position among the messages of its direction, from 1; 0 for a control frame. */
  readonly number: number;
  readonly opcode: number;
  readonly payload: Uint8Array;
  #frames: readonly Readonly<Record<string, unknown>>[] | undefined;

  constructor(direction: Direction, number: number, opcode: number, payload: Uint8Array) {
    this.direction = direction;
    this.number = number;
    this.opcode = opcode;
    this.payload = payload;
  }

  /** True for a text or binary message. */
  get isData(): boolean {
    return this.number > 0;
  }

  /** Text of the message; undefined for a binary one. */
  get text(): string | undefined {
    return this.opcode === OPCODE.text ? decoder.decode(this.payload) : undefined;
  }

  /** JSON objects in the message: one, those of an array, or none. */
  get frames(): readonly Readonly<Record<string, unknown>>[] {
    return this.#frames ??= jsonObjects(this.text);
  }
}

/** Conditions for a message; all have to hold. Control frames match only with `opcode`. */
export interface MessageMatch {
  /** Position among the matching messages, from 1 (the default). */
  readonly nth?: number;
  /** `type` of a JSON frame in the message, which may be an array of frames. */
  readonly type?: string;
  /** `id` of that same frame. */
  readonly id?: string;
  /** A WebSocket opcode, such as 8 for a close frame. */
  readonly opcode?: number;
  readonly matches?: (message: SeenMessage) => boolean;
}

/** True if a message meets the conditions; ignores `nth`. */
export function matchesMessage(message: SeenMessage, { type, id, opcode, matches }: MessageMatch): boolean {
  if (opcode === undefined ? !message.isData : message.opcode !== opcode) return false;
  if (type !== undefined || id !== undefined) {
    const fits = message.frames.some((frame) =>
      (type === undefined || frame["type"] === type) && (id === undefined || frame["id"] === id)
    );
    if (!fits) return false;
  }
  return matches?.(message) ?? true;
}

function jsonObjects(text: string | undefined): Readonly<Record<string, unknown>>[] {
  if (text === undefined) return [];
  try {
    const value: unknown = JSON.parse(text);
    return (Array.isArray(value) ? value : [value]).filter((one) => typeof one === "object" && one !== null);
  } catch {
    return [];
  }
}
