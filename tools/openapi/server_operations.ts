import { handshakeParameters } from "./parameters.ts";
import { CONNECTION_PROBLEMS, headerNamed, jsonAnswer, problemAnswers, TOKEN_PROBLEMS } from "./responses.ts";
import { ANYONE, SECRET_KEY, USER } from "./security.ts";
import { type Operation, schemaNamed } from "../../packages/server/src/http/openapi/specification.ts";

/** What the service does beside rooms, by method and address below its own. */
export function serverOperations(): Record<string, Operation> {
  return {
    "GET /": {
      operationId: "getServiceInfo",
      tags: ["service"],
      summary: "What this service is, and its routes",
      security: ANYONE,
      responses: { 200: jsonAnswer("The service.", schemaNamed("ServiceInfo")), ...problemAnswers() },
    },
    "GET /openapi.json": {
      operationId: "getOpenApi",
      tags: ["service"],
      summary: "This document",
      security: ANYONE,
      responses: {
        200: jsonAnswer("An OpenAPI 3.1 document.", {
          type: "object",
          properties: { openapi: { type: "string" }, info: { type: "object" }, paths: { type: "object" } },
          required: ["openapi", "info", "paths"],
          additionalProperties: true,
        }),
        ...problemAnswers(),
      },
    },
    "GET /health": {
      operationId: "getHealth",
      tags: ["service"],
      summary: "Whether the isolate lives",
      security: ANYONE,
      description: "No dependency is touched.",
      responses: { 200: jsonAnswer("It lives.", schemaNamed("Health")), ...problemAnswers() },
    },
    "GET /health/ready": {
      operationId: "getReadiness",
      tags: ["service"],
      summary: "Whether the isolate can do its work",
      security: ANYONE,
      responses: {
        200: jsonAnswer("Ready.", schemaNamed("Readiness")),
        503: jsonAnswer("A dependency is failing, or the isolate is about to go.", schemaNamed("Readiness")),
        ...problemAnswers(),
      },
    },
    "GET /metrics": {
      operationId: "getMetrics",
      tags: ["service"],
      summary: "What this isolate has counted",
      description: "Each isolate counts for itself, from its start.",
      security: SECRET_KEY,
      responses: {
        200: {
          description: "Prometheus' text format.",
          headers: { "X-Request-Id": headerNamed("RequestId") },
          content: { "text/plain": { schema: { type: "string" } } },
        },
        ...problemAnswers("missing_token", "forbidden"),
      },
    },
    "GET /whoami": {
      operationId: "getUser",
      tags: ["service"],
      summary: "The user whose token this is",
      description: "Also tells a browser why a handshake was refused: it cannot read that by itself.",
      security: USER,
      responses: { 200: jsonAnswer("The user.", schemaNamed("User")), ...problemAnswers(...TOKEN_PROBLEMS) },
    },
    "GET /echo": {
      operationId: "connectEcho",
      tags: ["sockets"],
      summary: "A WebSocket that sends back what it is sent",
      description: "Text `x` is answered with `Echo: x`, a binary frame with the same bytes.",
      security: USER,
      parameters: handshakeParameters(),
      responses: {
        101: { description: "The socket is open." },
        ...problemAnswers(...TOKEN_PROBLEMS, "expected_websocket", "forbidden", ...CONNECTION_PROBLEMS),
      },
    },
  };
}
