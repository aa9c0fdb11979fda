import type { Ephemeral, Message, PresenceChange, PresenceEntry } from "../contract.ts";
import { ephemeralFields, parseChange, parseEphemeral, senderOf } from "../wire/wire_records.ts";
import { joinFields, RECORD_SEPARATOR, splitFields } from "../wire/wire_text.ts";

/** What a notification brings, in its order. Records that do not name an epoch are of any. */
export type RoomRecord =
  /** Contiguous ones. */
  | { readonly type: "messages"; readonly messages: readonly Message[] }
  /** There are messages up to this offset; they did not fit. */
  | { readonly type: "stored"; readonly offset: number }
  | { readonly type: "ephemeral"; readonly message: Ephemeral }
  | { readonly type: "presence"; readonly version: number; readonly change: PresenceChange }
  /** A record that did not fit: where it lies. */
  | { readonly type: "elsewhere"; readonly id: string };

/** A notification: the epoch that its messages and presence belong to, empty where there are none, and its records. */
export interface Notification {
  readonly epoch: string;
  readonly records: readonly RoomRecord[];
}

/** Reads a notification. What a later version may add is passed over. */
export function parseNotification(payload: string): Notification {
  const [epoch = "", ...records] = payload.split(RECORD_SEPARATOR);
  return { epoch, records: parseRecords(records) };
}

/** Reads records as they stand in a notification, each a text. */
export function parseRecords(texts: readonly string[]): RoomRecord[] {
  const records: RoomRecord[] = [];
  let run: Message[] | undefined;
  for (const text of texts) {
    if (text.startsWith("m")) {
      const message = parseMessage(text);
      if (run) run.push(message);
      else records.push({ type: "messages", messages: run = [message] });
      continue;
    }
    const record = parseRecord(text);
    if (!record) continue;
    run = undefined;
    records.push(record);
  }
  return records;
}

/** Reads messages that a statement returned; null stands for none. */
export function parseMessages(text: string | null): Message[] {
  return text === null ? [] : text.split(RECORD_SEPARATOR).map(parseMessage);
}

/** Reads who is present; empty text stands for nobody. */
export function parsePresent(text: string): PresenceEntry[] {
  if (text === "") return [];
  return text.split(RECORD_SEPARATOR).map((record) => {
    const [user = "", connection = "", state = ""] = splitFields(record);
    return { user, connection, state };
  });
}

/** A message that is not stored, as a record. */
export function ephemeralRecord(message: Ephemeral): string {
  return joinFields(["e", ...ephemeralFields(message)]);
}

function parseRecord(text: string): RoomRecord | undefined {
  const fields = splitFields(text);
  switch (fields[0]) {
    case "o":
      return { type: "stored", offset: Number(fields[1]) };
    case "e":
      return { type: "ephemeral", message: parseEphemeral(fields.slice(1)) };
    case "p":
      return { type: "presence", version: Number(fields[1]), change: parseChange(fields.slice(2)) };
    case "x":
      return { type: "elsewhere", id: fields[1] ?? "" };
    default:
      return undefined;
  }
}

function parseMessage(text: string): Message {
  const [, offset, at, id = "", event = "", user = "", connection = "", data = ""] = splitFields(text);
  return { offset: Number(offset), at: Number(at), id, event, data, from: senderOf(user, connection) };
}
