import type { Version } from "./frame.ts";

/** A text frame of the server; `payload` is the JSON text of an object. */
export interface TextFrame {
  readonly joinRef: string | null;
  readonly ref: string | null;
  readonly topic: string;
  readonly event: string;
  readonly payload: string;
}

/** Encodes a text frame. Serializer 1.0.0 has no join reference outward. */
export function textFrame({ joinRef, ref, topic, event, payload }: TextFrame, version: Version): string {
  const names = `${JSON.stringify(topic)},${JSON.stringify(event)},${payload}`;
  if (version === "2.0.0") return `[${JSON.stringify(joinRef)},${JSON.stringify(ref)},${names}]`;
  return `{"topic":${JSON.stringify(topic)},"event":${JSON.stringify(event)},"payload":${payload},` +
    `"ref":${JSON.stringify(ref)}}`;
}

/** A broadcast on its way out. */
export interface OutgoingBroadcast {
  readonly topic: string;
  readonly event: string;
  /** JSON text, or bytes. */
  readonly data: string | Uint8Array;
  /** JSON text of an object. */
  readonly meta?: string;
}

/** Kind of the only frame of bytes that clients read. */
const BROADCAST = 4;
const HEADER_BYTES = 5;
/** Longest text in a frame of bytes. */
const MAX_SIZE = 255;
const utf8 = new TextEncoder();

/** A broadcast that is encoded at most once for each serializer, however many members get it. */
export class EncodedBroadcast {
  readonly #broadcast: OutgoingBroadcast;
  #bytes: Uint8Array | undefined;
  readonly #texts = new Map<Version, string>();

  constructor(broadcast: OutgoingBroadcast) {
    this.#broadcast = broadcast;
  }

  /**
   * The frame for a serializer. Undefined if it cannot carry the broadcast: bytes with serializer
   * 1.0.0, or with names of more than 255 bytes.
   */
  for(version: Version): string | Uint8Array | undefined {
    if (version === "2.0.0") {
      this.#bytes ??= bytesOf(this.#broadcast);
      if (this.#bytes) return this.#bytes;
    }
    const { topic, event, data, meta } = this.#broadcast;
    if (typeof data !== "string") return undefined;
    let text = this.#texts.get(version);
    if (text === undefined) {
      const extra = meta === undefined ? "" : `,"meta":${meta}`;
      const payload = `{"type":"broadcast","event":${JSON.stringify(event)},"payload":${data}${extra}}`;
      text = textFrame({ joinRef: null, ref: null, topic, event: "broadcast", payload }, version);
      this.#texts.set(version, text);
    }
    return text;
  }
}

/** Undefined if a name is too long. */
function bytesOf({ topic, event, data, meta = "" }: OutgoingBroadcast): Uint8Array | undefined {
  const names = [topic, event, meta].map((text) => utf8.encode(text));
  if (names.some(({ length }) => length > MAX_SIZE)) return undefined;
  const isText = typeof data === "string";
  const parts = [...names, isText ? utf8.encode(data) : data];
  const frame = new Uint8Array(HEADER_BYTES + parts.reduce((sum, { length }) => sum + length, 0));
  frame.set([BROADCAST, ...names.map(({ length }) => length), isText ? 1 : 0]);
  let at = HEADER_BYTES;
  for (const part of parts) {
    frame.set(part, at);
    at += part.length;
  }
  return frame;
}
