import type { Draft, Ephemeral, Message, PresenceChange } from "../contract.ts";
import type { ListedEntry } from "../presence_diff.ts";
import {
  ephemeralFields,
  optionalText,
  parseChange,
  parseEphemeral,
  senderOf,
} from "../wire/wire_records.ts";
import { joinFields, RECORD_SEPARATOR, splitFields, unescapeText } from "../wire/wire_text.ts";

/** A message of a room's channel. */
export type Push =
  /** Messages with contiguous offsets. */
  | { readonly type: "messages"; readonly epoch: string; readonly messages: readonly Message[] }
  | { readonly type: "ephemeral"; readonly message: Ephemeral }
  /** A presence change; `version` grows by 1 with each one. */
  | {
    readonly type: "presence";
    readonly epoch: string;
    readonly version: number;
    readonly change: PresenceChange;
  }
  /** A disconnect grace period that may end after this time, in milliseconds. */
  | { readonly type: "due"; readonly afterMs: number };

/** Encodes a draft in the stored format. */
export function draftRecord({ id, event, data, from }: Draft): string {
  return joinFields([id, event, from.user, optionalText(from.connection), data]);
}

/** Builds the dedupe key of a publish: user and id. */
export function publishKey({ id, from: { user } }: Draft): string {
  return joinFields([user, id]);
}

/** Encodes an ephemeral message for the channel. */
export function ephemeralPush(message: Ephemeral): string {
  return `e${RECORD_SEPARATOR}${joinFields(ephemeralFields(message))}`;
}

/** Decodes a message of the channel; undefined for types that a later version may add. */
export function parsePush(text: string): Push | undefined {
  const parts = text.split(RECORD_SEPARATOR);
  const [type, first = "", second = "", third = ""] = parts;
  switch (type) {
    case "m": {
      const at = Number(third);
      const messages = parts.slice(4).map((record, index) => messageOf(record, Number(second) + index, at));
      return { type: "messages", epoch: first, messages };
    }
    case "e":
      return { type: "ephemeral", message: parseEphemeral(splitFields(first)) };
    case "p":
      return {
        type: "presence",
        epoch: first,
        version: Number(second),
        change: parseChange(splitFields(third)),
      };
    case "d":
      return { type: "due", afterMs: Number(first) };
    default:
      return undefined;
  }
}

/** Decodes a stored message: offset, comma, time, semicolon, record. */
export function parseMessage(text: string): Message {
  const comma = text.indexOf(",");
  const semicolon = text.indexOf(";", comma);
  const offset = Number(text.slice(0, comma));
  return messageOf(text.slice(semicolon + 1), offset, Number(text.slice(comma + 1, semicolon)));
}

/** Decodes a presence list: four texts per entry. */
export function parsePresence(texts: readonly string[]): ListedEntry[] {
  const entries: ListedEntry[] = [];
  for (let index = 0; index + 3 < texts.length; index += 4) {
    const [connection = "", user = "", state = "", from = ""] = texts.slice(index, index + 4).map(
      unescapeText,
    );
    entries.push({ user, connection, state, resumedFrom: from === "" ? undefined : from });
  }
  return entries;
}

function messageOf(record: string, offset: number, at: number): Message {
  const [id = "", event = "", user = "", connection = "", data = ""] = splitFields(record);
  return { offset, at, id, event, data, from: senderOf(user, connection) };
}
