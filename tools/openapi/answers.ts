/**
 * Schemas of HTTP responses that are no frames, for the document only. Routes do not validate their
 * responses; tests/http/openapi_answers_test.ts does.
 */
import * as z from "zod/mini";
import { ERRORS } from "../../packages/protocol/error_codes.ts";
import { field } from "../../packages/server/src/schemas/field_text.ts";
import {
  HistoryPageFrame,
  MessageFrame,
  PresenceListFrame,
  WelcomeFrame,
} from "../../packages/server/src/schemas/server_frames.ts";

const version = () => field(z.string(), "the function's version");
const anything = () => z.record(z.string(), z.unknown());
const wholeNumber = () => z.int().check(z.gte(0));

const ServiceInfo = z.strictObject({
  service: z.literal("realtime"),
  version: version(),
  protocols: field(z.array(z.string()), "subprotocols that the sockets speak"),
  routes: field(z.array(z.strictObject({ method: z.string(), path: z.string() })), "every route of the app"),
});

const Health = z.strictObject({
  status: z.literal("ok"),
  version: version(),
  isolate: field(z.string(), "the isolate that answered"),
  uptime_ms: field(wholeNumber(), "time since the isolate started"),
  connections: field(wholeNumber(), "open sockets and event streams of the isolate"),
});

const Readiness = z.strictObject({
  status: field(
    z.enum(["ready", "draining", "failing", "short_of_memory"]),
    "`ready` with status 200, the others with 503",
  ),
  dependencies: z.array(z.strictObject({
    name: z.string(),
    state: z.enum(["ok", "failing"]),
    latency_ms: field(z.number(), "duration of the check"),
  })),
});

const User = z.strictObject({
  id: field(z.string(), "the token's `sub`"),
  role: field(z.string(), "the Postgres role, `authenticated` for a signed-in user"),
  email: z.nullable(z.string()),
  is_anonymous: field(z.boolean(), "signed in without an account"),
  app_metadata: field(anything(), "set by the project only"),
  user_metadata: field(anything(), "set by the user"),
  session_id: field(z.nullable(z.string()), "the Auth session that the token belongs to"),
  client_id: field(
    z.nullable(z.string()),
    "OAuth client that acts for the user; null in the project's own sessions",
  ),
  assurance_level: field(z.nullable(z.string()), "`aal1`, or `aal2` after a second factor"),
  expires_at: field(z.number(), "when the token expires, in seconds since 1970"),
  claims: field(anything(), "every claim of the token"),
});

const Ticket = z.strictObject({
  ticket: field(z.string(), "for the query parameter `ticket`, once"),
  expires_at: field(wholeNumber(), "when it expires, in seconds since 1970"),
});

// Elements of lists that server_frames.ts does not name.
const Message = HistoryPageFrame.shape.messages.def.element;
const Member = PresenceListFrame.shape.members.def.innerType.def.element;
const UpdatedMember = PresenceListFrame.shape.updated.def.innerType.def.element;
const LeftMember = PresenceListFrame.shape.left.def.innerType.def.element;

const HistoryPage = z.strictObject({
  epoch: WelcomeFrame.shape.epoch,
  messages: field(z.array(Message), "in the order of offsets"),
  more: HistoryPageFrame.shape.more,
});

const Position = z.strictObject({
  epoch: field(z.string(), "names the history that the offset belongs to; empty before the first message"),
  offset: field(z.int().check(z.minimum(0)), "of the last message; 0 before the first"),
});

const Presence = z.strictObject({
  members: field(z.array(Member), "everybody, one entry a connection"),
});

const Stored = z.strictObject({
  id: MessageFrame.shape.id,
  offset: field(z.int().check(z.gte(1)), "its place in the room"),
});

const Sent = z.strictObject({ id: MessageFrame.shape.id });

const BatchResults = z.strictObject({
  results: field(
    z.array(z.union([
      Stored,
      Sent,
      z.strictObject({
        id: z.optional(MessageFrame.shape.id),
        error: z.strictObject({
          code: z.enum(["invalid_request", "too_large", "refused", "timeout", "internal"]),
          message: field(z.string(), "for people"),
          field: field(z.optional(z.string()), "the part of the message that is wrong, such as `data.text`"),
          reason: field(z.optional(z.string()), "the endpoint's own code for `refused`"),
        }),
      }),
    ])),
    "one for each message, in their order",
  ),
});

/** Fields may be added. */
const Accepted = z.strictObject({});

const RoomList = z.strictObject({
  rooms: z.array(z.strictObject({
    room: field(z.string(), "name with its endpoint, such as `rooms/lobby`"),
    members: field(wholeNumber(), "members in this isolate"),
    offset: field(wholeNumber(), "of the last message"),
    last_at: field(
      z.nullable(wholeNumber()),
      "time of the last message, in milliseconds since 1970; null if none came since the room has members here",
    ),
  })),
  next: field(z.nullable(z.string()), "cursor of the next page; null behind the last room"),
});

const Problem = z.strictObject({
  type: field(z.string(), "`urn:realtime-edge:problem:` and the code"),
  title: field(z.string(), "what the code means, in two or three words"),
  status: field(z.int(), "the answer's status"),
  code: field(z.enum(Object.keys(ERRORS) as [keyof typeof ERRORS]), "stable; clients decide by it"),
  detail: field(z.string(), "for people: the problem, and the next step"),
  field: field(z.optional(z.string()), "the part of the request that is wrong, such as `query.limit`"),
  reason: field(z.optional(z.string()), "the endpoint's own code for `refused`"),
  retry_after_ms: field(
    z.optional(wholeNumber()),
    "delay before a retry; present with every retryable code",
  ),
  request_id: field(z.string(), "finds the request in the function's logs"),
});

/** The schemas of the answers by their names in the document. */
export const ANSWERS = {
  ServiceInfo,
  Health,
  Readiness,
  User,
  Ticket,
  Message,
  Sender: Message.shape.from,
  HistoryPage,
  Position,
  Member,
  UpdatedMember,
  LeftMember,
  Presence,
  Stored,
  Sent,
  BatchResults,
  Accepted,
  RoomList,
  Problem,
} as const;
