import type { Draft, Ephemeral, Message, PresenceChange, PresenceEntry } from "../contract.ts";
import { joinFields, optionalText, PART_SEPARATOR, splitFields, unescapeText } from "./text.ts";

/** What is published on a room's channel. */
export type Push =
  /** Contiguous ones. */
  | { readonly type: "messages"; readonly epoch: string; readonly messages: readonly Message[] }
  | { readonly type: "ephemeral"; readonly message: Ephemeral }
  /** `version` grows by 1 with each change. */
  | {
    readonly type: "presence";
    readonly epoch: string;
    readonly version: number;
    readonly change: PresenceChange;
  }
  /** An entry lingers: it may be over after this time, in milliseconds. */
  | { readonly type: "due"; readonly afterMs: number };

/** An entry, and the connection that a resume named when it took it over. */
export interface ListedEntry extends PresenceEntry {
  readonly resumedFrom: string | undefined;
}

/** A draft as it is stored. */
export function draftRecord({ id, event, data, from }: Draft): string {
  return joinFields([id, event, from.user, optionalText(from.connection), data]);
}

/** What tells a user's publish from all others. */
export function publishKey({ id, from: { user } }: Draft): string {
  return joinFields([user, id]);
}

/** A message that is not stored, as it is published. */
export function ephemeralPush({ id, event, data, from, at, to }: Ephemeral): string {
  const target = to === undefined ? "" : "user" in to ? `u${to.user}` : `c${to.connection}`;
  const fields = [id, event, from.user, optionalText(from.connection), `${at}`, target, data];
  return `e${PART_SEPARATOR}${joinFields(fields)}`;
}

/** Reads what was published. What a later version may add is undefined. */
export function parsePush(text: string): Push | undefined {
  const parts = text.split(PART_SEPARATOR);
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

/** Reads a message as it lies in history: offset, comma, time, semicolon, record. */
export function parseMessage(text: string): Message {
  const comma = text.indexOf(",");
  const semicolon = text.indexOf(";", comma);
  const offset = Number(text.slice(0, comma));
  return messageOf(text.slice(semicolon + 1), offset, Number(text.slice(comma + 1, semicolon)));
}

/** Reads who is present: four texts an entry. */
export function parsePresent(texts: readonly string[]): ListedEntry[] {
  const entries: ListedEntry[] = [];
  for (let place = 0; place + 3 < texts.length; place += 4) {
    const [connection = "", user = "", state = "", from = ""] = texts.slice(place, place + 4).map(
      unescapeText,
    );
    entries.push({ user, connection, state, resumedFrom: from === "" ? undefined : from });
  }
  return entries;
}

function messageOf(record: string, offset: number, at: number): Message {
  const [id = "", event = "", user = "", connection = "", data = ""] = splitFields(record);
  return { offset, at, id, event, data, from: sender(user, connection) };
}

function parseEphemeral(fields: readonly string[]): Ephemeral {
  const [id = "", event = "", user = "", connection = "", at, target = "", data = ""] = fields;
  const message = { id, event, data, from: sender(user, connection), at: Number(at) };
  if (target === "") return message;
  const name = target.slice(1);
  return { ...message, to: target.startsWith("u") ? { user: name } : { connection: name } };
}

function parseChange(fields: readonly string[]): PresenceChange {
  const [type, user = "", connection = "", previous = "", state = ""] = fields;
  const entry = { user, connection, state };
  if (type === "j") return { type: "joined", entry };
  if (type === "l") return { type: "left", entry };
  return previous === ""
    ? { type: "updated", entry }
    : { type: "updated", entry, previous: previous.slice(1) };
}

function sender(user: string, connection: string): Message["from"] {
  return connection === "" ? { user } : { user, connection: connection.slice(1) };
}
