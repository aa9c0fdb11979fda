import { handshakeParameters, roomListParameters } from "./parameters.ts";
import {
  ACCEPTED,
  COMMAND_PROBLEMS,
  CONNECTION_PROBLEMS,
  CREDENTIAL_PROBLEMS,
  HANDSHAKE_PROBLEMS,
  headerNamed,
  jsonAnswer,
  OPERATOR_PROBLEMS,
  problemAnswers,
  TOKEN_PROBLEMS,
} from "./responses.ts";
import { ANYONE, CONNECTING_USER, SECRET_KEY, USER } from "./security.ts";
import { type Operation, schemaNamed } from "../../packages/server/src/http/openapi/specification.ts";

/** Operations of the server besides rooms, by method and address below the base path. */
export function serverOperations(): Record<string, Operation> {
  return {
    "GET /": {
      operationId: "getServiceInfo",
      tags: ["server"],
      summary: "The version of the server, and its routes",
      security: ANYONE,
      responses: { 200: jsonAnswer("Version and routes.", schemaNamed("ServiceInfo")), ...problemAnswers() },
    },
    "GET /openapi.json": {
      operationId: "getOpenApi",
      tags: ["server"],
      summary: "This document",
      security: ANYONE,
      responses: {
        200: jsonAnswer("An OpenAPI 3.1 document.", {
          type: "object",
          properties: { openapi: { type: "string" }, info: { type: "object" }, paths: { type: "object" } },
          required: ["openapi", "info", "paths"],
          additionalProperties: true,
        }),
        304: { description: "The document with the tag in `If-None-Match` is the newest." },
        ...problemAnswers(),
      },
    },
    "GET /health": {
      operationId: "getHealth",
      tags: ["server"],
      summary: "Liveness of the isolate",
      security: ANYONE,
      description: "Checks no dependency.",
      responses: { 200: jsonAnswer("The isolate is alive.", schemaNamed("Health")), ...problemAnswers() },
    },
    "GET /health/ready": {
      operationId: "getReadiness",
      tags: ["server"],
      summary: "Readiness of the isolate and its dependencies",
      security: ANYONE,
      responses: {
        200: jsonAnswer("Ready.", schemaNamed("Readiness")),
        503: jsonAnswer(
          "A dependency is failing, or the isolate is draining or short of memory.",
          schemaNamed("Readiness"),
        ),
        ...problemAnswers(),
      },
    },
    "GET /metrics": {
      operationId: "getMetrics",
      tags: ["server"],
      summary: "Metrics of the isolate",
      description: "Each isolate counts its own events, from its start.",
      security: SECRET_KEY,
      responses: {
        200: {
          description: "Metrics in Prometheus' text format.",
          headers: { "X-Request-Id": headerNamed("RequestId") },
          content: { "text/plain": { schema: { type: "string" } } },
        },
        ...problemAnswers("missing_token", "invalid_token", "forbidden", "rate_limited"),
      },
    },
    "GET /rooms": {
      operationId: "listRooms",
      tags: ["operators"],
      summary: "The rooms with members in this isolate",
      description: "Of all endpoints, in the order of their names. Other isolates have rooms of their own.",
      security: SECRET_KEY,
      parameters: roomListParameters(),
      responses: {
        200: jsonAnswer("A page.", schemaNamed("RoomList")),
        ...problemAnswers(...OPERATOR_PROBLEMS),
      },
    },
    "POST /disconnect": {
      operationId: "disconnect",
      tags: ["operators"],
      summary: "Closes every socket and event stream of a user",
      description: "At every endpoint, on every isolate, with 4403. The user may connect again.",
      security: SECRET_KEY,
      requestBody: {
        required: true,
        content: { "application/json": { schema: schemaNamed("DisconnectBody") } },
      },
      responses: { 202: ACCEPTED, ...problemAnswers(...COMMAND_PROBLEMS) },
    },
    "GET /whoami": {
      operationId: "getUser",
      tags: ["server"],
      summary: "The user of the token",
      description:
        "Tells a browser why the server refused a handshake: the browser cannot read that response.",
      security: USER,
      responses: { 200: jsonAnswer("The user.", schemaNamed("User")), ...problemAnswers(...TOKEN_PROBLEMS) },
    },
    "GET /socket": {
      operationId: "connectSocket",
      tags: ["sockets"],
      summary: "A WebSocket that joins and leaves many rooms",
      description: "Each frame names its room: docs/protocol.md, section 17.",
      security: CONNECTING_USER,
      parameters: handshakeParameters(),
      responses: {
        101: { description: "The socket is open." },
        ...problemAnswers(...CREDENTIAL_PROBLEMS, ...HANDSHAKE_PROBLEMS, "forbidden", ...CONNECTION_PROBLEMS),
      },
    },
    "POST /tickets": {
      operationId: "createTicket",
      tags: ["server"],
      summary: "A ticket that opens one WebSocket or event stream",
      description:
        "For clients that can send neither a header nor a subprotocol, and for addresses without a token: connect with " +
        "`?ticket=…` until `expires_at`, once.",
      security: USER,
      requestBody: {
        required: false,
        content: { "application/json": { schema: schemaNamed("TicketBody") } },
      },
      responses: {
        201: jsonAnswer("The ticket.", schemaNamed("Ticket")),
        ...problemAnswers(
          ...TOKEN_PROBLEMS,
          "invalid_request",
          "unsupported_media_type",
          "too_large",
          "unavailable",
        ),
      },
    },
    "GET /echo": {
      operationId: "connectEcho",
      tags: ["sockets"],
      summary: "A WebSocket that echoes every frame",
      description: "Text `x` comes back as `Echo: x`, a binary frame as the same bytes.",
      security: CONNECTING_USER,
      parameters: handshakeParameters(),
      responses: {
        101: { description: "The socket is open." },
        ...problemAnswers(...CREDENTIAL_PROBLEMS, ...HANDSHAKE_PROBLEMS, "forbidden", ...CONNECTION_PROBLEMS),
      },
    },
  };
}
