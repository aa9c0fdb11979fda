// Schemas of the frames that a client sends, for docs, tests, and messages over HTTP. The compiler
// holds them to the types of packages/protocol. Sockets use rooms/inbound/parse_client_frame.ts,
// which a property test holds equal to the schemas (tests/properties/frame_parser_test.ts).
import * as z from "zod/mini";
import type * as protocol from "../../../protocol/frames.ts";
import {
  MAX_EVENT_LENGTH,
  MAX_ID_LENGTH,
  MAX_KEY_LENGTH,
  MAX_METHOD_LENGTH,
  MAX_PAGE,
} from "../../../protocol/limits.ts";
import * as errors from "./field_errors.ts";
import { field } from "./field_text.ts";
import { isObject } from "./json_object.ts";
import type { Assert, Same } from "./same_type.ts";

/** Text of 1 to `max` characters. */
function name(max: number): z.ZodMiniString {
  const error = errors.nameError(max);
  return z.string({ error }).check(z.minLength(1, { error }), z.maxLength(max, { error }));
}

/** An offset, or 0. */
export const Offset = z.int({ error: errors.OFFSET_ERROR }).check(z.gte(0, { error: errors.OFFSET_ERROR }));
/** The `id` of a frame. */
export const FrameId = field(
  name(MAX_ID_LENGTH),
  `1 to ${MAX_ID_LENGTH} characters, the client's; the answer carries it`,
);
const Limit = z.int({ error: errors.LIMIT_ERROR }).check(
  z.gte(1, { error: errors.LIMIT_ERROR }),
  z.lte(MAX_PAGE, { error: errors.LIMIT_ERROR }),
);
const toError = { error: errors.TO_ERROR };
const recipient = () => z.string(toError).check(z.minLength(1, toError));
/** A user or a connection. Both at once are refused, since they could contradict each other. */
const Recipient = z.union([
  z.object({ user: recipient(), connection: z.optional(z.never()) }, toError),
  z.object({ connection: recipient(), user: z.optional(z.never()) }, toError),
], toError);

const publishFields = {
  id: field(
    name(MAX_ID_LENGTH),
    `1 to ${MAX_ID_LENGTH} characters, the client's; a retry repeats it and is not stored again`,
  ),
  event: field(name(MAX_EVENT_LENGTH), `1 to ${MAX_EVENT_LENGTH} characters: what kind of message it is`),
  data: field(
    z.unknown().check(z.refine((data) => data !== undefined, { error: errors.MISSING_ERROR })),
    "any JSON, the message itself",
  ),
  ephemeral: field(
    z.optional(z.boolean({ error: errors.FLAG_ERROR })),
    "true: not stored, no offset, first to be dropped for a slow client",
  ),
  to: field(
    z.optional(Recipient),
    '`{"user":…}` or `{"connection":…}`: only to those; with `ephemeral` only',
  ),
  exclude: field(
    z.optional(z.literal("self", { error: errors.EXCLUDE_ERROR })),
    '`"self"`: not to the sender\'s own connection, which gets the `ack` alone',
  ),
  key: field(
    z.optional(name(MAX_KEY_LENGTH)),
    `1 to ${MAX_KEY_LENGTH} characters: the newest with this key may stand for older ones; with \`ephemeral\` only`,
  ),
};

/** Fields that a durable message cannot have. */
interface EphemeralFields {
  to?: unknown;
  key?: unknown;
  ack?: unknown;
  ephemeral?: boolean | undefined;
}

/** Refuses a value of a field in a durable message. */
function onlyEphemeral(
  field: "to" | "key" | "ack",
  isRefused: (value: unknown) => boolean = (value) => value !== undefined,
) {
  return z.refine<EphemeralFields>((frame) => frame.ephemeral === true || !isRefused(frame[field]), {
    error: errors.EPHEMERAL_ONLY_ERROR,
    path: [field],
  });
}

/** Publishes a message. */
export const PublishFrame = z.object({
  type: z.literal("publish"),
  ...publishFields,
  ack: field(
    z.optional(z.boolean({ error: errors.FLAG_ERROR })),
    "false: no `ack` on success; with `ephemeral` only",
  ),
}).check(onlyEphemeral("to"), onlyEphemeral("key"), onlyEphemeral("ack", (ack) => ack === false));

/** Publishes a message as the body of an HTTP request. */
export const PublishBody = z.object({
  ...publishFields,
  connection: field(
    z.optional(name(MAX_ID_LENGTH)),
    "the sender's socket or event stream in that room, as its `welcome` names it",
  ),
}, { error: "must be a JSON object" }).check(
  onlyEphemeral("to"),
  onlyEphemeral("key"),
  z.refine((body) => body.exclude === undefined || body.connection !== undefined, {
    error: "must name the sender's connection, since `exclude` is given",
    path: ["connection"],
  }),
);

/** Enters presence, changes the state, or leaves. */
export const PresenceFrame = z.object({
  type: z.literal("presence"),
  id: FrameId,
  state: field(
    z.custom<Readonly<Record<string, unknown>> | null>(
      (state) => state === null || isObject(state),
      { error: errors.STATE_ERROR },
    ),
    "a JSON object of 4 KiB at most, or `null` to leave",
  ),
});

/** Requests a page of history. */
export const HistoryFrame = z.object({
  type: z.literal("history"),
  id: FrameId,
  after: field(z.optional(Offset), "the page begins after this offset; one of `after` and `before`"),
  before: field(z.optional(Offset), "the page ends before this offset"),
  limit: field(Limit, `1 to ${MAX_PAGE} messages`),
}).check(
  z.refine((frame) => (frame.after === undefined) !== (frame.before === undefined), {
    error: errors.ONE_END_ERROR,
    path: ["after"],
  }),
);

/** Calls a method of the endpoint. */
export const CallFrame = z.object({
  type: z.literal("call"),
  id: FrameId,
  method: field(name(MAX_METHOD_LENGTH), "a method of the endpoint"),
  data: field(z.optional(z.unknown()), "the method's input"),
});

/** Hands over a fresh token without reconnecting. */
export const AuthFrame = z.object({
  type: z.literal("auth"),
  id: FrameId,
  token: field(z.string({ error: errors.TEXT_ERROR }), "a fresh token for the same user"),
});

/** Heartbeat of a client. */
export const PingFrame = z.object({ type: z.literal("ping"), id: FrameId });

/** Every frame of a client. */
export const ClientFrame = z.discriminatedUnion("type", [
  PublishFrame,
  PresenceFrame,
  HistoryFrame,
  CallFrame,
  AuthFrame,
  PingFrame,
], { error: errors.TYPE_ERROR });
/** A frame of a client. */
export type ClientFrame = protocol.ClientFrame;
/** A message to be published, as a frame or as an HTTP body. */
export type PublishBody = protocol.PublishRequest;

/** Fails to compile if a schema and its type in packages/protocol differ. */
export type CheckedSchemas = [
  Assert<Same<z.infer<typeof PublishFrame>, protocol.PublishFrame>>,
  Assert<Same<z.infer<typeof PublishBody>, protocol.PublishRequest>>,
  Assert<Same<z.infer<typeof PresenceFrame>, protocol.PresenceFrame>>,
  Assert<Same<z.infer<typeof HistoryFrame>, protocol.HistoryFrame>>,
  Assert<Same<z.infer<typeof CallFrame>, protocol.CallFrame>>,
  Assert<Same<z.infer<typeof AuthFrame>, protocol.AuthFrame>>,
  Assert<Same<z.infer<typeof PingFrame>, protocol.PingFrame>>,
  Assert<Same<z.infer<typeof ClientFrame>, protocol.ClientFrame>>,
];
