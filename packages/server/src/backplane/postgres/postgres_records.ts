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
  | { readonly type: "overflow"; readonly id: string }
  /** Record that neither the engine nor its SQL has written. */
  | { readonly type: "malformed" };

const MALFORMED: RoomRecord = { type: "malformed" };
/** Up to the largest safe integer. */
const DIGITS = /^\d{1,15}$/;
/** Joined, updated or left. */
const CHANGE_TYPE = /^[jul]$/;

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
      if (!isPlausible(message)) {
        records.push(MALFORMED);
        consecutive = undefined;
      } else if (consecutive) consecutive.push(message);
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

/**
 * Parses the messages that a statement returned; null means none. Data that is not JSON becomes
 * `null`: the offset is taken, and the text must not enter a frame.
 */
export function parseMessages(text: string | null): Message[] {
  if (text === null) return [];
  return text.split(RECORD_SEPARATOR).map(parseMessage).map((message) =>
    isJson(message.data) ? message : { ...message, data: "null" }
  );
}

/**
 * Parses a presence list; empty text means that no member is present. A state that is not JSON
 * becomes `{}`.
 */
export function parsePresent(text: string): PresenceEntry[] {
  if (text === "") return [];
  return text.split(RECORD_SEPARATOR).map((record) => {
    const [user = "", connection = "", state = ""] = splitFields(record);
    return { user, connection, state: isJson(state) ? state : "{}" };
  });
}

/** Formats an ephemeral message as a record. */
export function ephemeralRecord(message: Ephemeral): string {
  return joinFields(["e", ...ephemeralFields(message)]);
}

function parseRecord(text: string): RoomRecord | undefined {
  const fields = splitFields(text);
  switch (fields[0]) {
    case "o": {
      const offset = wholeNumber(fields[1]);
      return Number.isNaN(offset) ? MALFORMED : { type: "stored", offset };
    }
    case "e": {
      const message = parseEphemeral(fields.slice(1));
      return isJson(message.data) && Number.isSafeInteger(message.at)
        ? { type: "ephemeral", message }
        : MALFORMED;
    }
    case "p": {
      const version = wholeNumber(fields[1]);
      const change = parseChange(fields.slice(2));
      return Number.isNaN(version) || !CHANGE_TYPE.test(fields[2] ?? "") || !isJson(change.entry.state)
        ? MALFORMED
        : { type: "presence", version, change };
    }
    case "x":
      return Number.isNaN(wholeNumber(fields[1])) ? MALFORMED : { type: "overflow", id: fields[1] ?? "" };
    default:
      return undefined;
  }
}

function parseMessage(text: string): Message {
  const [, offset, at, id = "", event = "", user = "", connection = "", data = ""] = splitFields(text);
  const from = senderOf(user, connection);
  return { offset: wholeNumber(offset), at: wholeNumber(at), id, event, data, from };
}

function isPlausible({ offset, at, data }: Message): boolean {
  return !Number.isNaN(offset) && !Number.isNaN(at) && isJson(data);
}

/** Parses digits; NaN for anything else, which `Number` might take for a number. */
function wholeNumber(text: string | undefined): number {
  return text !== undefined && DIGITS.test(text) ? Number(text) : NaN;
}

/** True if the text is JSON, so that it can be a part of a frame. */
function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
