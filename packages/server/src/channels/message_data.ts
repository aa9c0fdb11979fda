import { decodeBase64, encodeBase64 } from "./base64.ts";
import { isLargerThan } from "../socket/frame_size.ts";

/** The only field of the object that stands for bytes. Every store carries JSON. */
const BYTES_FIELD = "$bytes";
const BYTES_START = `{"${BYTES_FIELD}":"`;
const BYTES_END = '"}';

/** The JSON text that a room carries for a broadcast's data. */
export function messageData(data: string | Uint8Array): string {
  return typeof data === "string" ? data : BYTES_START + encodeBase64(data) + BYTES_END;
}

/** The data of a broadcast from a room's JSON text. */
export function broadcastData(text: string): string | Uint8Array {
  if (!text.startsWith(BYTES_START) || !text.endsWith(BYTES_END)) return text;
  return decodeBase64(text.slice(BYTES_START.length, -BYTES_END.length)) ?? text;
}

/** Largest data of a broadcast: 256 KiB, as in the free plan of Supabase. */
const MAX_DATA_BYTES = 262_144;

/** True for data that no channel carries. */
export function isTooLarge(data: string | Uint8Array): boolean {
  return typeof data === "string" ? isLargerThan(data, MAX_DATA_BYTES) : data.byteLength > MAX_DATA_BYTES;
}
