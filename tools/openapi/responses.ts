import { type ErrorCode, type ErrorMeaning, ERRORS } from "../../packages/protocol/error_codes.ts";
import {
  type Answer,
  type Header,
  type JsonSchema,
  type Reference,
  schemaNamed,
} from "../../packages/server/src/http/openapi/specification.ts";

/** Codes that refuse a user's token, or one request too many. */
export const TOKEN_PROBLEMS = [
  "missing_token",
  "invalid_token",
  "token_expired",
  "auth_unavailable",
  "rate_limited",
] as const;

/** Codes that refuse an operator's request, or its body. */
export const OPERATOR_PROBLEMS = [
  "missing_token",
  "invalid_token",
  "forbidden",
  "invalid_request",
  "rate_limited",
] as const;
/** Codes that refuse a command of an operator. */
export const COMMAND_PROBLEMS = [
  ...OPERATOR_PROBLEMS,
  "too_large",
  "unsupported_media_type",
  "unavailable",
] as const;
/** Codes that refuse a user's token or ticket, for a socket or an event stream. */
export const CREDENTIAL_PROBLEMS = [...TOKEN_PROBLEMS, "invalid_ticket", "unavailable"] as const;

/** Codes that refuse a connection to any room. */
export const CONNECTION_PROBLEMS = ["overloaded", "too_many_connections"] as const;

/** Codes for a request that is no complete handshake. */
export const HANDSHAKE_PROBLEMS = ["expected_websocket", "unsupported_websocket_version"] as const;

/** Response headers, by their names among the components. */
export const HEADERS: Readonly<Record<"RequestId" | "RetryAfter" | "Challenge", Header>> = {
  RequestId: {
    description: "Finds the request in the function's logs.",
    schema: { type: "string", format: "uuid" },
  },
  RetryAfter: {
    description: "Seconds after which the same request may succeed.",
    schema: { type: "integer", minimum: 1 },
  },
  Challenge: {
    description: "`Bearer …`, with what is wrong with the token, if one was sent.",
    schema: { type: "string" },
  },
};

/** A header among the document's components. */
export function headerNamed(name: keyof typeof HEADERS): Reference {
  return { $ref: `#/components/headers/${name}` };
}

/** A JSON response. */
export function jsonAnswer(description: string, schema: JsonSchema): Answer {
  return {
    description,
    headers: { "X-Request-Id": headerNamed("RequestId") },
    content: { "application/json": { schema } },
  };
}

/** The response to a command that every isolate will get. */
export const ACCEPTED: Answer = jsonAnswer(
  "This isolate has done it, and the others will.",
  schemaNamed("Accepted"),
);

/** Error responses for these codes and `internal`: one per status, with the codes it may carry. */
export function problemAnswers(...codes: readonly ErrorCode[]): Record<string, Answer> {
  const byStatus = Map.groupBy([...codes, "internal" as const], (code) => ERRORS[code].status);
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [String(status), problemAnswer(status, codes)]),
  );
}

function problemAnswer(status: ErrorMeaning["status"], codes: readonly ErrorCode[]): Answer {
  const meanings = codes.map((code): ErrorMeaning => ERRORS[code]);
  return {
    description: codes.map((code) => `\`${code}\`: ${ERRORS[code].detail}`).join("\n\n"),
    headers: {
      "X-Request-Id": headerNamed("RequestId"),
      ...(status === 401 ? { "WWW-Authenticate": headerNamed("Challenge") } : {}),
      ...(meanings.some(({ retryable }) => retryable) ? { "Retry-After": headerNamed("RetryAfter") } : {}),
    },
    content: {
      "application/problem+json": {
        schema: {
          allOf: [
            schemaNamed("Problem"),
            { properties: { status: { const: status }, code: { enum: [...codes] } } },
          ],
        },
      },
    },
  };
}
