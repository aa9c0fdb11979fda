import type { Ephemeral, Message, PresenceChange, PresenceEntry, Sender } from "../../backplane/contract.ts";

/**
 * The server's frames as text. Frames with messages or presence are written by hand: data and state
 * are JSON text already, and a message becomes text once for all members. Tests hold them to the
 * schemas.
 */

const quote = JSON.stringify;

function sender({ user, connection }: Sender): string {
  return connection === undefined
    ? `{"user":${quote(user)}}`
    : `{"user":${quote(user)},"connection":${quote(connection)}}`;
}

function messageFields({ event, data, from, id, at }: Message | Ephemeral): string {
  return `"event":${quote(event)},"data":${data},"from":${sender(from)},"id":${quote(id)},"at":${at}`;
}

/** A `message` frame; without `offset` when it is ephemeral. */
export function messageText(message: Message | Ephemeral): string {
  const offset = "offset" in message ? `"offset":${message.offset},` : "";
  return `{"type":"message",${offset}${messageFields(message)}}`;
}

/** An entry of `messages` in a page of history. */
export function pageEntryText(message: Message): string {
  return `{"offset":${message.offset},${messageFields(message)}}`;
}

/** A `history` frame of entries that are text already. */
export function historyText(id: string, entries: readonly string[], more: boolean): string {
  return `{"type":"history","id":${quote(id)},"messages":[${entries.join(",")}],"more":${more}}`;
}

/** A page of history as the body of a response. */
export function pageText(epoch: string, entries: readonly string[], more: boolean): string {
  return `{"epoch":${quote(epoch)},"messages":[${entries.join(",")}],"more":${more}}`;
}

/** An entry of presence. */
export function entryText({ user, connection, state }: PresenceEntry): string {
  return `{"user":${quote(user)},"connection":${quote(connection)},"state":${state}}`;
}

/** The `presence` frame that follows `welcome`, of entries that are text already. */
export function presenceListText(entries: Iterable<string>): string {
  return `{"type":"presence","members":[${[...entries].join(",")}]}`;
}

/** The presence list as the body of a response. */
export function presentText(entries: Iterable<PresenceEntry>): string {
  return `{"members":[${Array.from(entries, entryText).join(",")}]}`;
}

/** A change as an entry of its list; `entry` is the entry's text where that exists already. */
export function changeText(change: PresenceChange, entry: string = entryText(change.entry)): string {
  if (change.type === "left") {
    const { user, connection } = change.entry;
    return `{"user":${quote(user)},"connection":${quote(connection)}}`;
  }
  if (change.type === "joined" || change.previous === undefined) return entry;
  return `${entry.slice(0, -1)},"previous":${quote(change.previous)}}`;
}

/** A `presence` frame of changes that are text already. */
export function presenceChangesText(
  changes: Readonly<Record<PresenceChange["type"], readonly string[]>>,
): string {
  const lists = (["joined", "updated", "left"] as const).filter((type) => changes[type].length > 0);
  return `{"type":"presence",${lists.map((type) => `"${type}":[${changes[type].join(",")}]`).join(",")}}`;
}

/** The `ack` frame of a message that does not come to its sender. */
export function excludedAckText(id: string, offset: number): string {
  return `{"type":"ack","id":${quote(id)},"offset":${offset},"excluded":true}`;
}

/** An `ack` frame; with the offset of a durable publish. */
export function ackText(id: string, offset?: number): string {
  return offset === undefined
    ? `{"type":"ack","id":${quote(id)}}`
    : `{"type":"ack","id":${quote(id)},"offset":${offset}}`;
}

/** A `pong` frame that answers a ping. */
export function pongText(id: string): string {
  return `{"type":"pong","id":${quote(id)}}`;
}

/** An unsolicited `pong`: shows that the server is alive. */
export const HEARTBEAT_TEXT = '{"type":"pong"}';
