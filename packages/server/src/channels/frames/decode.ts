import { decodeBinary, type FindTopic } from "./decode_binary.ts";
import { decodeText } from "./decode_text.ts";
import { type ClientFrame, unreadable, type Version } from "./frame.ts";

/** Decodes a WebSocket message of a client. Never throws. */
export function decode(data: string | ArrayBuffer, version: Version, findTopic: FindTopic): ClientFrame {
  if (typeof data === "string") return decodeText(data, version);
  if (version === "1.0.0") return unreadable("Serializer 1.0.0 has no frames of bytes");
  return decodeBinary(new Uint8Array(data), findTopic);
}
