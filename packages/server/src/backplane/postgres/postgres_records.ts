import type { Ephemeral, Message, PresenceChange, PresenceEntry } from "../contract.ts";
import { ephemeralFields, parseChange, parseEphemeral, senderOf } from "../wire/wire_records.ts";
import { joinFields, RECORD_SEPARATOR, splitFields } from "../wire/wire_text.ts";

/** A record of a notification. Records without an epoch apply to any epoch. */
export type RoomRecord =
  /** Messages with consecutive offsets. */
  | { readonly type: "messages"; readonly messages: readonly Message[] }
  /** Announces messages up to this offset that were too long for the notification. */
  | { readonly type: "stored"; readonly offset: number }
  | { readonly type: "ephemeral"; readonly message: Ephemeral }
  | { readonly type: "presence"; readonly version: number; readonly change: PresenceChange }
  /** Refers to a record that was too long for the notification: its id in `rooms.passing`. */
  | { readonly type: "overflow"; readonly id: string };

/**
 * A notification: its records and the epoch of its messages and presence, empty if it has neither.
 */
export interface Notification {
  readonly epoch: string;
  readonly records: readonly RoomRecord[];
}

/** Parses a notification. Skips record types that a later version may add. */
export function parseNotification(payload: string): Notification {
  const [epoch = "", ...records] = payload.split(RECORD_SEPARATOR);
  return { epoch, records: parseRecords(records) };
}

/** Parses the records of a notification, one text each. */
export function parseRecords(texts: readonly string[]): RoomRecord[] {
  const records: RoomRecord[] = [];
  let consecutive: Message[] | undefined;
  for (const text of texts) {
    if (text.startsWith("m")) {
      const message = parseMessage(text);
      if (consecutive) consecutive.push(message);
      else records.push({ type: "messages", messages: consecutive = [message] });
      continue;
    }
    const record = parseRecord(text);
    if (!record) continue;
    consecutive = undefined;
    records.push(record);
  }
  return records;
}

/** Parses the messages that a statement returned; null means none. */
export function parseMessages(text: string | null): Message[] {
  return text === null ? [] : text.split(RECORD_SEPARATOR).map(parseMessage);
}

/** Parses a presence list; empty text means that no member is present. */
export function parsePresent(text: string): PresenceEntry[] {
  if (text === "") return [];
  return text.split(RECORD_SEPARATOR).map((record) => {
    const [user = "", connection = "", state = ""] = splitFields(record);
    return { user, connection, state };
  });
}

/** Formats an ephemeral message as a record. */
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
      return { type: "overflow", id: fields[1] ?? "" };
    default:
      return undefined;
  }
}

function parseMessage(text: string): Message {
  const [, offset, at, id = "", event = "", user = "", connection = "", data = ""] = splitFields(text);
  return { offset: Number(offset), at: Number(at), id, event, data, from: senderOf(user, connection) };
}
