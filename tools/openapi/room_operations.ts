import { handshakeParameters, joinParameters, pageParameters, roomParameter } from "./parameters.ts";
import { CONNECTION_PROBLEMS, headerNamed, jsonAnswer, problemAnswers, TOKEN_PROBLEMS } from "./responses.ts";
import { USER, USER_OR_SECRET_KEY } from "./security.ts";
import {
  type Operation,
  type Parameter,
  schemaNamed,
} from "../../packages/server/src/http/openapi/specification.ts";

const JOIN_PROBLEMS = ["invalid_request", "forbidden", "room_full", ...CONNECTION_PROBLEMS] as const;
const ROOM_PROBLEMS = [...TOKEN_PROBLEMS, "invalid_request", "forbidden", "unavailable"] as const;

/** What an endpoint of rooms does, by method and address below its own. */
export function roomOperations(): Record<string, Operation> {
  const room = roomParameter("id");
  return {
    "GET /{id}": {
      operationId: "joinRoom",
      tags: ["sockets"],
      summary: "A WebSocket in the room",
      description:
        "Speaks `realtime.v1`: frames of JSON. The server's are `ServerFrame` of the schemas here; the client's are " +
        "`publish` (as `PublishBody`), `presence`, `history`, `auth` and `ping`. A browser sends the token in the query, or as a " +
        "subprotocol `jwt-<token>`. Servers and scripts can do without: see the other operations of rooms.",
      security: USER,
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
        ...problemAnswers(...TOKEN_PROBLEMS, "expected_websocket", ...JOIN_PROBLEMS),
      },
    },
    "GET /{id}/messages": {
      operationId: "getMessages",
      tags: ["rooms"],
      summary: "A page of the room's history",
      description:
        "After `after`, or before `before`, or the last ones. It may hold fewer than `limit`: `more` says if there are more.",
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
        "A retry under the same `id` is safe: it is stored once. With a secret key a message may go to every room.",
      security: USER_OR_SECRET_KEY,
      parameters: [room],
      requestBody: {
        required: true,
        content: { "application/json": { schema: schemaNamed("PublishBody") } },
      },
      responses: {
        200: jsonAnswer("It was stored before, under the same `id`.", schemaNamed("Stored")),
        201: jsonAnswer("It is stored.", schemaNamed("Stored")),
        202: jsonAnswer(
          "It was sent to those that are there; an ephemeral message is not stored.",
          schemaNamed("Sent"),
        ),
        ...problemAnswers(...ROOM_PROBLEMS, "too_large"),
      },
    },
    "GET /{id}/presence": {
      operationId: "getPresence",
      tags: ["rooms"],
      summary: "Who is in the room",
      security: USER,
      parameters: [room],
      responses: {
        200: jsonAnswer("Those who entered.", schemaNamed("Presence")),
        ...problemAnswers(...ROOM_PROBLEMS),
      },
    },
    "GET /{id}/events": {
      operationId: "streamEvents",
      tags: ["rooms"],
      summary: "The room as Server-Sent Events",
      description: "A member that only listens, for where WebSockets do not get through.",
      security: USER,
      parameters: [room, ...joinParameters(), LAST_EVENT],
      responses: {
        200: {
          description:
            "The stream. It begins with `welcome`; before it ends there is an event `close` with `code` and `reason`.",
          headers: { "X-Request-Id": headerNamed("RequestId") },
          content: {
            "text/event-stream": {
              schema: {
                type: "string",
                description:
                  "The `data` of each event is a `ServerFrame` as JSON; the `id` of a durable message is `EPOCH:OFFSET`.",
              },
            },
          },
        },
        ...problemAnswers(...TOKEN_PROBLEMS, ...JOIN_PROBLEMS),
      },
    },
  };
}

const LAST_EVENT: Parameter = {
  name: "Last-Event-ID",
  in: "header",
  required: false,
  description: "Resumes after this event, whatever the query says; EventSource sends it by itself.",
  schema: { type: "string", examples: ["EPOCH:42"] },
};
