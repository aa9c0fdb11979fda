// Types for the function, schemas for tests, docs and the OpenAPI document: only openapi/ imports this at run time, when the
// document is asked for, so that a boot does not pay for it. tests/rooms hold every frame that the server sends against these.
import * as z from "zod/mini";
import { ERRORS } from "../../../protocol/error_codes.ts";
import { field } from "./field_text.ts";

const Offset = z.int().check(z.gte(1));
const Head = z.int().check(z.gte(0));
const Connection = z.string().check(z.minLength(1));
const From = z.strictObject({ user: z.string(), connection: z.optional(Connection) });
const Id = field(z.string(), "of the frame that this answers");
const Time = z.int().check(z.gte(0));
const PresenceMember = z.strictObject({
  user: z.string(),
  connection: Connection,
  state: z.record(z.string(), z.unknown()),
});
const expiresAt = "when the token expires, in seconds since 1970";

/** The first frame. */
export const WelcomeFrame = z.strictObject({
  type: z.literal("welcome"),
  room: field(z.string(), "the room's id"),
  connection: field(Connection, "this connection's id"),
  user: field(z.string(), "the verified user's id"),
  epoch: field(z.string(), "names the history that offsets belong to"),
  offset: field(Head, "the head: everything after it will come"),
  recovered: field(z.boolean(), "true: a resume that misses nothing"),
  expires_at: field(Time, expiresAt),
  heartbeat_ms: field(
    z.int(),
    "the server sends at least this often; a `realtime.v1` client has to, too",
  ),
  limits: field(z.record(z.string(), z.int()), "what this deployment allows"),
});

/** A message of the room. */
export const MessageFrame = z.strictObject({
  type: z.literal("message"),
  offset: field(z.optional(Offset), "its place in the room; absent when ephemeral"),
  event: field(z.string(), "as published"),
  data: field(z.unknown(), "as published"),
  from: field(From, "`user`, and `connection` when it was sent over one"),
  id: field(z.string(), "as published"),
  at: field(Time, "when it was stored or relayed, in milliseconds since 1970"),
});

/** Who is there. */
export const PresenceListFrame = z.strictObject({
  type: z.literal("presence"),
  members: field(
    z.optional(z.array(PresenceMember)),
    "everybody, one entry a connection (`user`, `connection`, `state`); once after `welcome`",
  ),
  joined: field(z.optional(z.array(PresenceMember)), "entries that are new"),
  updated: field(
    z.optional(z.array(z.extend(PresenceMember, { previous: z.optional(Connection) }))),
    "entries that changed; with `previous` the entry of that connection goes on as this one",
  ),
  left: field(
    z.optional(z.array(z.strictObject({ user: z.string(), connection: Connection }))),
    "entries that are gone (`user`, `connection`)",
  ),
});

/** A publish or a change of presence was taken. */
export const AckFrame = z.strictObject({
  type: z.literal("ack"),
  id: Id,
  offset: field(z.optional(Offset), "of a durable publish: it is stored"),
});

/** A page of history. */
export const HistoryPageFrame = z.strictObject({
  type: z.literal("history"),
  id: Id,
  messages: field(z.array(z.omit(MessageFrame, { type: true })), "in the order of offsets, without `type`"),
  more: field(z.boolean(), "whether there are more in that direction"),
});

/** A fresh token was taken. */
export const AuthenticatedFrame = z.strictObject({
  type: z.literal("authenticated"),
  id: Id,
  expires_at: field(Time, expiresAt),
});

/** The token is about to expire. */
export const ExpiringFrame = z.strictObject({
  type: z.literal("expiring"),
  expires_at: field(Time, `${expiresAt}: send a fresh one by then`),
});

/** The answer to a ping, or without `id` a sign of life. */
export const PongFrame = z.strictObject({
  type: z.literal("pong"),
  id: field(z.optional(z.string()), "of the ping; absent when the server only shows that it is there"),
});

/** Messages that cannot be replayed. */
export const GapFrame = z.strictObject({
  type: z.literal("gap"),
  from: field(Offset, "the first offset that is missing"),
  to: field(
    z.nullable(Head),
    "the last one; `null` when nobody can know, since the history is another one now",
  ),
  epoch: field(z.string(), "the history that these offsets belong to"),
});

/** The isolate is about to go. */
export const DrainingFrame = z.strictObject({
  type: z.literal("draining"),
  reason: field(
    z.string(),
    "why: `wall_clock`, `cpu`, `memory`, `early_drop`, `termination` or a signal's name",
  ),
  reconnect_after_ms: field(z.int(), "how long to wait before connecting again"),
});

/** Something was not done. */
export const ErrorFrame = z.strictObject({
  type: z.literal("error"),
  code: field(z.enum(Object.keys(ERRORS) as [keyof typeof ERRORS]), "one of the error codes below"),
  message: field(z.string(), "for people"),
  id: field(z.optional(z.string()), "of the frame that this answers, when it could be read"),
  field: field(z.optional(z.string()), "what is wrong, such as `data.text`"),
  retry_after_ms: field(z.optional(z.int()), "when trying again makes sense"),
});

/** Everything the server can send. */
export const ServerFrame = z.discriminatedUnion("type", [
  WelcomeFrame,
  MessageFrame,
  PresenceListFrame,
  AckFrame,
  HistoryPageFrame,
  AuthenticatedFrame,
  ExpiringFrame,
  PongFrame,
  GapFrame,
  DrainingFrame,
  ErrorFrame,
]);
/** A frame of the server. */
export type ServerFrame = z.infer<typeof ServerFrame>;
