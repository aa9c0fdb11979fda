import { OPCODE } from "../wire/wire_frame.ts";
import type { Direction, MessageMatch } from "./faults.ts";

const decoder = new TextDecoder();

/** A WebSocket message, or a control frame, as the proxy saw it pass; its payload is unmasked. */
export class SeenMessage {
  readonly direction: Direction;
  /** Its place among the messages of its direction, from 1; 0 for a control frame. */
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

  /** Whether it is a text or binary message. */
  get isData(): boolean {
    return this.number > 0;
  }

  /** The text; of a binary message undefined. */
  get text(): string | undefined {
    return this.opcode === OPCODE.text ? decoder.decode(this.payload) : undefined;
  }

  /** The JSON objects in it: one, those of an array, or none when it is something else. */
  get frames(): readonly Readonly<Record<string, unknown>>[] {
    return this.#frames ??= jsonObjects(this.text);
  }
}

/** Whether a message is one of those that are meant, whatever its `nth`. */
export function isMeant(message: SeenMessage, { type, id, opcode, matches }: MessageMatch): boolean {
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
