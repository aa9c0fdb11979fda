import type { Ephemeral, PresenceChange, Sender } from "../contract.ts";

/** Encodes an optional text: absent becomes empty, present gets a leading `=`. */
export function optionalText(text: string | undefined): string {
  return text === undefined ? "" : `=${text}`;
}

/** Decodes a sender from the user field and the optional connection field. */
export function senderOf(user: string, connection: string): Sender {
  return connection === "" ? { user } : { user, connection: connection.slice(1) };
}

/**
 * Encodes an ephemeral message as fields. Earlier versions ignore `exclude`, or `key` alone. An
 * `exclude` that stands empty before a key names no connection.
 */
export function ephemeralFields(message: Ephemeral): string[] {
  const { id, event, data, from, at, to, exclude, key } = message;
  const target = to === undefined ? "" : "user" in to ? `u${to.user}` : `c${to.connection}`;
  const fields = [id, event, from.user, optionalText(from.connection), `${at}`, target, data];
  if (key !== undefined) return [...fields, exclude ?? "", key];
  return exclude === undefined ? fields : [...fields, exclude];
}

/** Decodes an ephemeral message from its fields. */
export function parseEphemeral(fields: readonly string[]): Ephemeral {
  const [id = "", event = "", user = "", connection = "", at, target = "", data = "", exclude, key] = fields;
  const from = senderOf(user, connection);
  const excluded = exclude === undefined || (exclude === "" && key !== undefined) ? {} : { exclude };
  const message = {
    id,
    event,
    data,
    from,
    at: Number(at),
    ...excluded,
    ...(key === undefined ? {} : { key }),
  };
  if (target === "") return message;
  const name = target.slice(1);
  return { ...message, to: target.startsWith("u") ? { user: name } : { connection: name } };
}

/** Decodes a presence change from the fields that SQL and Lua write. */
export function parseChange(fields: readonly string[]): PresenceChange {
  const [type, user = "", connection = "", previous = "", state = ""] = fields;
  const entry = { user, connection, state };
  if (type === "j") return { type: "joined", entry };
  if (type === "l") return { type: "left", entry };
  return previous === ""
    ? { type: "updated", entry }
    : { type: "updated", entry, previous: previous.slice(1) };
}
