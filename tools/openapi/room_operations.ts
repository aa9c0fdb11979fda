import { handshakeParameters, joinParameters, pageParameters, roomParameter } from "./parameters.ts";
import { MAX_BATCH_MESSAGES } from "../../packages/protocol/limits.ts";
import {
  ACCEPTED,
  COMMAND_PROBLEMS,
  CONNECTION_PROBLEMS,
  CREDENTIAL_PROBLEMS,
  HANDSHAKE_PROBLEMS,
  headerNamed,
  jsonAnswer,
  problemAnswers,
  TOKEN_PROBLEMS,
} from "./responses.ts";
import { CONNECTING_USER, SECRET_KEY, USER, USER_OR_SECRET_KEY } from "./security.ts";
import {
  type Operation,
  type Parameter,
  schemaNamed,
} from "../../packages/server/src/http/openapi/specification.ts";

const JOIN_PROBLEMS = ["invalid_request", "forbidden", "room_full", ...CONNECTION_PROBLEMS] as const;
const ROOM_PROBLEMS = [...TOKEN_PROBLEMS, "invalid_request", "forbidden", "unavailable"] as const;

/** Operations of an endpoint of rooms, by method and address below its own. */
export function roomOperations(): Record<string, Operation> {
  const room = roomParameter("id");
  return {
    "GET /{id}": {
      operationId: "joinRoom",
      tags: ["sockets"],
      summary: "A WebSocket in the room",
      description:
        "Speaks `realtime.v1`: JSON frames. The server sends `ServerFrame` (see the schemas). The client sends " +
        "`publish` (fields of `PublishBody`), `presence`, `history`, `call`, `auth` and `ping`. A browser sends the token in the query, or as a " +
        "subprotocol `jwt-<token>`. Servers and scripts need no socket: see the other operations of rooms.",
      security: CONNECTING_USER,
      parameters: [room, ...joinParameters(), ...handshakeParameters()],
      responses: {
        101: {
          description: "The socket is open; the first frame is `welcome`.",
          headers: {
            "Sec-WebSocket-Protocol": {
              description: "`realtime.v1`, if the client offered it.",
              schema: { const: "realtime.v1" },
            },
          },
        },
        ...problemAnswers(...CREDENTIAL_PROBLEMS, ...HANDSHAKE_PROBLEMS, ...JOIN_PROBLEMS),
      },
    },
    "GET /{id}/messages": {
      operationId: "getMessages",
      tags: ["rooms"],
      summary: "A page of the room's history",
      description:
        "Messages after `after`, before `before`, or the newest ones. A page may hold fewer than `limit`: `more` is true if the history goes on.",
      security: USER,
      parameters: [room, ...pageParameters()],
      responses: {
        200: jsonAnswer("The page.", schemaNamed("HistoryPage")),
        ...problemAnswers(...ROOM_PROBLEMS),
      },
    },
    "POST /{id}/messages": {
      operationId: "publishMessage",
      tags: ["rooms"],
      summary: "Publishes a message",
      description:
        "A retry with the same `id` is safe: the room stores the message once. A secret key may publish to every room, " +
        "and up to 100 messages as an array.",
      security: USER_OR_SECRET_KEY,
      parameters: [room],
      requestBody: {
        required: true,
        content: {
          "application/json": {
            schema: {
              anyOf: [
                schemaNamed("PublishBody"),
                { type: "array", maxItems: MAX_BATCH_MESSAGES, items: schemaNamed("PublishBody") },
              ],
            },
          },
        },
      },
      responses: {
        200: jsonAnswer("A message with this `id` was stored before, or the results of an array.", {
          anyOf: [schemaNamed("Stored"), schemaNamed("BatchResults")],
        }),
        201: jsonAnswer("The message is stored.", schemaNamed("Stored")),
        202: jsonAnswer(
          "The ephemeral message was sent to the connected members; it is not stored.",
          schemaNamed("Sent"),
        ),
        ...problemAnswers(...ROOM_PROBLEMS, "too_large", "unsupported_media_type", "refused", "timeout"),
      },
    },
    "POST /{id}/kick": {
      operationId: "kick",
      tags: ["operators"],
      summary: "Ends the memberships of a user, or one connection",
      description:
        "On every isolate. The members get `error` `forbidden`; a socket of this room alone is closed with 4403. " +
        "The user may come back unless the room policy refuses.",
      security: SECRET_KEY,
      parameters: [room],
      requestBody: {
        required: true,
        content: { "application/json": { schema: schemaNamed("KickBody") } },
      },
      responses: { 202: ACCEPTED, ...problemAnswers(...COMMAND_PROBLEMS) },
    },
    "GET /{id}/position": {
      operationId: "getPosition",
      tags: ["rooms"],
      summary: "Position of the room",
      description:
        "Read it before the state that it belongs to. A client that joins with `after` and `epoch` gets all later messages.",
      security: USER_OR_SECRET_KEY,
      parameters: [room],
      responses: {
        200: jsonAnswer("The position.", schemaNamed("Position")),
        ...problemAnswers(...ROOM_PROBLEMS),
      },
    },
    "GET /{id}/presence": {
      operationId: "getPresence",
      tags: ["rooms"],
      summary: "Presence of the room",
      security: USER,
      parameters: [room],
      responses: {
        200: jsonAnswer("The members that entered presence.", schemaNamed("Presence")),
        ...problemAnswers(...ROOM_PROBLEMS),
      },
    },
    "GET /{id}/events": {
      operationId: "streamEvents",
      tags: ["rooms"],
      summary: "The room as Server-Sent Events",
      description: "A member that only receives, for networks that block WebSockets.",
      security: CONNECTING_USER,
      parameters: [room, ...joinParameters(), ...STREAM_PARAMETERS],
      responses: {
        200: {
          description:
            "The stream. It begins with `welcome` and ends with an event `close` that has `code` and `reason`. If the " +
            "client accepts `text/event-stream`, a refusal that may succeed later is a stream with `close` alone.",
          headers: { "X-Request-Id": headerNamed("RequestId") },
          content: {
            "text/event-stream": {
              schema: {
                type: "string",
                description:
                  "The `data` of each event is a `ServerFrame` as JSON; its `id`, `EPOCH:OFFSET`, is a position to resume at.",
              },
            },
          },
        },
        ...problemAnswers(...CREDENTIAL_PROBLEMS, ...JOIN_PROBLEMS),
      },
    },
  };
}

const STREAM_PARAMETERS: readonly Parameter[] = [
  {
    name: "Last-Event-ID",
    in: "header",
    required: false,
    description: "Resumes after this event and overrides the query; EventSource sends it on reconnect.",
    schema: { type: "string", examples: ["EPOCH:42"] },
  },
  {
    name: "lastEventId",
    in: "query",
    required: false,
    description: "Stands for `Last-Event-ID`, for clients that cannot send headers.",
    schema: { type: "string", examples: ["EPOCH:42"] },
  },
  {
    name: "events",
    in: "query",
    required: false,
    description: "`named`: events have the names of their frames, and keep-alives are comments.",
    schema: { type: "string", const: "named" },
  },
];
