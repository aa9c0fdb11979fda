// Schemas of the frames that the server sends, for tests, docs and the OpenAPI document. The server
// does not load them. The compiler holds them to the types of packages/protocol.
import * as z from "zod/mini";
import { type ErrorFrame as ProtocolErrorFrame, ERRORS } from "../../../protocol/error_codes.ts";
import type * as protocol from "../../../protocol/frames.ts";
import { field } from "./field_text.ts";
import type { Assert, Same } from "./same_type.ts";

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
const Room = field(z.optional(z.string()), "`ENDPOINT/ID`, on a socket for many rooms only");
const expiresAt = "when the token expires, in seconds since 1970";

/** The first frame. */
export const WelcomeFrame = z.strictObject({
  type: z.literal("welcome"),
  room: field(z.string(), "the room's id; `ENDPOINT/ID` on a socket for many rooms"),
  id: field(z.optional(z.string()), "of the `join` that this answers, on a socket for many rooms only"),
  connection: field(Connection, "this connection's id"),
  user: field(z.string(), "the verified user's id"),
  epoch: field(z.string(), "names the history that offsets belong to"),
  offset: field(Head, "the head: everything after it will come"),
  recovered: field(z.boolean(), "true: a resume that misses nothing"),
  expires_at: field(Time, expiresAt),
  heartbeat_ms: field(
    z.int(),
    "the server sends at least this often; a `realtime.v1` client within twice this time",
  ),
  limits: field(z.record(z.string(), z.int()), "what this deployment allows"),
});

/** A message of the room. */
export const MessageFrame = z.strictObject({
  room: Room,
  type: z.literal("message"),
  offset: field(z.optional(Offset), "its place in the room; absent when ephemeral"),
  event: field(z.string(), "as published"),
  data: field(z.unknown(), "as published"),
  from: field(From, "`user`, and `connection` when it was sent over one"),
  id: field(z.string(), "as published"),
  at: field(Time, "when it was stored or relayed, in milliseconds since 1970"),
});

/** Presence: the list of all members, or the changes since the last frame. */
export const PresenceListFrame = z.strictObject({
  room: Room,
  type: z.literal("presence"),
  members: field(
    z.optional(z.array(PresenceMember)),
    "everybody, one entry a connection (`user`, `connection`, `state`); once after `welcome`",
  ),
  joined: field(z.optional(z.array(PresenceMember)), "entries that are new"),
  updated: field(
    z.optional(z.array(z.extend(PresenceMember, { previous: z.optional(Connection) }))),
    "entries that changed; with `previous` this entry replaces the entry of that connection",
  ),
  left: field(
    z.optional(z.array(z.strictObject({ user: z.string(), connection: Connection }))),
    "entries that are gone (`user`, `connection`)",
  ),
});

/** Answer to a publish or a change of presence. */
export const AckFrame = z.strictObject({
  room: Room,
  type: z.literal("ack"),
  id: Id,
  offset: field(z.optional(Offset), "of a durable publish: it is stored"),
  excluded: field(
    z.optional(z.boolean()),
    "true: stands for the message of this offset, which does not come (`exclude`)",
  ),
});

/** A page of history. */
export const HistoryPageFrame = z.strictObject({
  room: Room,
  type: z.literal("history"),
  id: Id,
  messages: field(
    z.array(z.omit(MessageFrame, { type: true, room: true })),
    "in the order of offsets, without `type`",
  ),
  more: field(z.boolean(), "whether there are more in that direction"),
});

/** Result of a call. */
export const ResultFrame = z.strictObject({
  room: Room,
  type: z.literal("result"),
  id: Id,
  data: field(z.optional(z.unknown()), "what the method returned"),
});

/** Answer to a fresh token. */
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

/** Answer to a ping, or without `id` a heartbeat. */
export const PongFrame = z.strictObject({
  type: z.literal("pong"),
  id: field(z.optional(z.string()), "of the ping; absent when the server only shows that it is there"),
});

/** Messages that cannot be replayed. */
export const GapFrame = z.strictObject({
  room: Room,
  type: z.literal("gap"),
  from: field(Offset, "the first offset that is missing"),
  to: field(
    z.nullable(Head),
    "the last one; `null` when nobody can know, since the history is another one now",
  ),
  epoch: field(z.string(), "the history that these offsets belong to"),
});

/** The isolate is about to end. */
export const DrainingFrame = z.strictObject({
  type: z.literal("draining"),
  reason: field(
    z.string(),
    "why: `wall_clock`, `cpu`, `memory`, `early_drop`, `termination` or a signal's name",
  ),
  reconnect_after_ms: field(z.int(), "how long to wait before connecting again"),
});

/** Reports a failure. */
export const ErrorFrame = z.strictObject({
  room: Room,
  type: z.literal("error"),
  code: field(z.enum(Object.keys(ERRORS) as [keyof typeof ERRORS]), "one of the error codes below"),
  message: field(z.string(), "for people"),
  ended: field(z.optional(z.literal(true)), "the socket for many rooms is not in `room`, or no longer"),
  id: field(z.optional(z.string()), "of the frame that this answers, when it could be read"),
  field: field(z.optional(z.string()), "what is wrong, such as `data.text`"),
  reason: field(z.optional(z.string()), "the endpoint's own code for `refused`"),
  retry_after_ms: field(z.optional(z.int()), "when trying again makes sense"),
});

/** Every frame of the server. */
export const ServerFrame = z.discriminatedUnion("type", [
  WelcomeFrame,
  MessageFrame,
  PresenceListFrame,
  AckFrame,
  HistoryPageFrame,
  ResultFrame,
  AuthenticatedFrame,
  ExpiringFrame,
  PongFrame,
  GapFrame,
  DrainingFrame,
  ErrorFrame,
]);
/** A frame of the server. */
export type ServerFrame = protocol.ServerFrame;

/** Fails to compile if a schema and its type in packages/protocol differ. */
export type CheckedSchemas = [
  Assert<Same<z.infer<typeof WelcomeFrame>, protocol.WelcomeFrame>>,
  Assert<Same<z.infer<typeof MessageFrame>, protocol.MessageFrame>>,
  Assert<Same<z.infer<typeof PresenceListFrame>, protocol.PresenceListFrame>>,
  Assert<Same<z.infer<typeof AckFrame>, protocol.AckFrame>>,
  Assert<Same<z.infer<typeof HistoryPageFrame>, protocol.HistoryPageFrame>>,
  Assert<Same<z.infer<typeof ResultFrame>, protocol.ResultFrame>>,
  Assert<Same<z.infer<typeof AuthenticatedFrame>, protocol.AuthenticatedFrame>>,
  Assert<Same<z.infer<typeof ExpiringFrame>, protocol.ExpiringFrame>>,
  Assert<Same<z.infer<typeof PongFrame>, protocol.PongFrame>>,
  Assert<Same<z.infer<typeof GapFrame>, protocol.GapFrame>>,
  Assert<Same<z.infer<typeof DrainingFrame>, protocol.DrainingFrame>>,
  Assert<Same<z.infer<typeof ErrorFrame>, ProtocolErrorFrame>>,
  Assert<Same<z.infer<typeof ServerFrame>, protocol.ServerFrame>>,
];
