import { OPCODE } from "../wire/wire_frame.ts";
import type { Direction, MessageMatch } from "./faults.ts";

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
