import { MAX_JSON_DEPTH } from "../../../../protocol/limits.ts";
import { isDeeperThan } from "../../schemas/json_depth.ts";
import { isObject } from "../../schemas/json_object.ts";
import { wantsPersist } from "./decode_text.ts";
import { type ClientFrame, unreadable } from "./frame.ts";

/**
 * Finds the topic of the channel with a join reference. Clients before 2.110.4 mangle the bytes of
 * a topic that is not ASCII.
 */
export type FindTopic = (joinRef: string | null) => string | undefined;

/** Kind of the only frame of bytes that clients send: a broadcast. */
const BROADCAST = 3;
/** The kind, five sizes, and the encoding of the body. */
const HEADER_BYTES = 7;
const RAW = 0;
const JSON_TEXT = 1;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
// The label is that of windows-1252, which clients never mean.
const latin1 = (bytes: Uint8Array) => String.fromCharCode(...bytes);

/** Decodes a frame of bytes: sizes of one byte, five texts, and the body (docs/supabase-js.md). */
export function decodeBinary(bytes: Uint8Array, findTopic: FindTopic): ClientFrame {
  const [kind, a = 0, b = 0, c = 0, d = 0, e = 0, encoding] = bytes;
  if (kind !== BROADCAST) return unreadable(`Frames of kind ${kind} are not for servers`);
  if (bytes.length < HEADER_BYTES + a + b + c + d + e) {
    return unreadable("The frame is shorter than its sizes say");
  }
  let at = HEADER_BYTES;
  const take = (size: number) => bytes.subarray(at, at += size);
  const joinRef = latin1(take(a)) || null;
  const ref = latin1(take(b)) || null;
  const topicBytes = take(c);
  const eventBytes = take(d);
  const metadata = take(e);
  const topic = findTopic(joinRef) ?? textOf(topicBytes);
  const event = textOf(eventBytes);
  const persist = readPersist(metadata);
  const body = bytes.subarray(at);
  const broadcast = { kind: "broadcast", joinRef, ref, topic, event, persist } as const;
  // A copy: the frame's memory must not be kept by a few bytes of it.
  if (encoding === RAW) return { ...broadcast, data: body.slice() };
  if (encoding !== JSON_TEXT) return unreadable(`The body has the unknown encoding ${encoding}`);
  if (body.length === 0) return { ...broadcast, data: "{}" };
  try {
    const data = utf8.decode(body);
    // Receivers parse it unguarded.
    if (!isDeeperThan(JSON.parse(data), MAX_JSON_DEPTH)) return { ...broadcast, data };
    return unreadable(`The body is nested deeper than ${MAX_JSON_DEPTH} levels`);
  } catch {
    return unreadable("The body is not JSON");
  }
}

/** Old clients write one byte a character. */
function textOf(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    return latin1(bytes);
  }
}

function readPersist(metadata: Uint8Array): boolean {
  if (metadata.length === 0) return false;
  try {
    const value: unknown = JSON.parse(utf8.decode(metadata));
    return isObject(value) && wantsPersist(value["persist"]);
  } catch {
    return false;
  }
}
