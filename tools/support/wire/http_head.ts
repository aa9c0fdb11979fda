/** Heads of HTTP/1.1 messages (RFC 9112): the only reader and writer of the tools. */
import { ByteQueue } from "./byte_queue.ts";

/** Header fields in the order and spelling of the wire; a name may repeat. */
export type HeaderFields = readonly (readonly [name: string, value: string])[];

/** Head of a request. */
export interface HttpRequestHead {
  readonly method: string;
  /** Request target as sent: mostly a path with its query. */
  readonly target: string;
  readonly headers: HeaderFields;
}

/** Head of a response. */
export interface HttpResponseHead {
  readonly status: number;
  /** First line as sent, for a proxy that passes the head on. */
  readonly statusLine: string;
  readonly headers: HeaderFields;
}

/** A complete head, cut out of a byte stream. */
export interface ReceivedHead {
  /** Head without its empty line, one character per byte. */
  readonly text: string;
  /** Head as received, with its empty line. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Bytes that arrived behind the head. */
  readonly rest: Uint8Array<ArrayBuffer>;
}

/** Limit after which readers give up: no peer of the tools sends a longer head. */
export const MAX_HEAD_BYTES = 65_536;

const CR = 13;
const LF = 10;

/** Returns the offset behind the empty line that ends a head, or -1; searches from `from` on. */
export function findHeadEnd(bytes: Uint8Array, from: number = 0): number {
  for (let at = bytes.indexOf(CR, from); at >= 0; at = bytes.indexOf(CR, at + 1)) {
    if (bytes[at + 1] === LF && bytes[at + 2] === CR && bytes[at + 3] === LF) return at + 4;
  }
  return -1;
}

/** Collects one head from chunks of any size. */
export class HeadReader {
  readonly #queue = new ByteQueue();

  /** Number of bytes collected without an end of the head. */
  get size(): number {
    return this.#queue.length;
  }

  /** Adds a chunk; returns the head once it is complete, and is empty again then. */
  push(chunk: Uint8Array): ReceivedHead | undefined {
    // The end may begin in the last three bytes of the chunk before.
    const from = Math.max(0, this.size - 3);
    this.#queue.append(chunk);
    const end = findHeadEnd(this.#queue.view, from);
    if (end < 0) return undefined;
    const bytes = this.#queue.take(end).slice();
    return { text: textOfBytes(bytes.subarray(0, end - 4)), bytes, rest: this.takeRest() };
  }

  /** Returns the collected bytes of an incomplete head, and is empty again. */
  takeRest(): Uint8Array<ArrayBuffer> {
    return this.#queue.take(this.size).slice();
  }
}

/** Parses a request head without its empty line; undefined if it breaks the grammar. */
export function parseHttpRequest(text: string): HttpRequestHead | undefined {
  const [line = "", ...fields] = text.split("\r\n");
  const [, method, target] = /^([!-~]+) (\S+) HTTP\/1\.[01]$/.exec(line) ?? [];
  const headers = parseFields(fields);
  return method && target && headers ? { method, target, headers } : undefined;
}

/** Parses a response head without its empty line; undefined if it breaks the grammar. */
export function parseHttpResponse(text: string): HttpResponseHead | undefined {
  const [statusLine = "", ...fields] = text.split("\r\n");
  const [, status] = /^HTTP\/1\.[01] ([1-9]\d{2})(?: |$)/.exec(statusLine) ?? [];
  const headers = parseFields(fields);
  return status && headers ? { status: Number(status), statusLine, headers } : undefined;
}

function parseFields(lines: readonly string[]): HeaderFields | undefined {
  const fields: [string, string][] = [];
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon);
    if (colon < 1 || /\s/.test(name) || /[\r\n]/.test(line)) return undefined;
    fields.push([name, trimBlanks(line.slice(colon + 1))]);
  }
  return fields;
}

/** Removes spaces and tabs only: `trim` would remove the byte 0xa0 too, which is part of UTF-8. */
function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text[start])) start++;
  while (end > start && isBlank(text[end - 1])) end--;
  return text.slice(start, end);
}

function isBlank(character: string | undefined): boolean {
  return character === " " || character === "\t";
}

/** Returns the first value of a header, whatever the case of its name. */
export function headerOf(headers: HeaderFields, name: string): string | undefined {
  return headers.find(([other]) => other.toLowerCase() === name.toLowerCase())?.[1];
}

/** Formats a head with its empty line. A field given as text stays unchanged, even malformed. */
export function formatHead(
  startLine: string,
  fields: readonly (string | readonly [name: string, value: string])[],
): string {
  const lines = fields.map((field) => typeof field === "string" ? field : field.join(": "));
  return [startLine, ...lines, "", ""].join("\r\n");
}

/** Decodes one character per byte, without loss; `TextDecoder("latin1")` is windows-1252. */
export function textOfBytes(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

/** Encodes text of `textOfBytes` as the same bytes. */
export function bytesOfText(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
