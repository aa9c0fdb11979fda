import type { Answer, JsonSchema, Operation, RouteDescription } from "../openapi/specification.ts";
import { MAX_BATCH, MAX_ID_LENGTH, MAX_NAME_LENGTH } from "./broadcast_limits.ts";

const TAGS = ["supabase-js"];
const SECURITY: NonNullable<Operation["security"]> = [{ publishableKey: [] }, { publishableKeyInQuery: [] }];

function text(maxLength: number): JsonSchema {
  return { type: "string", minLength: 1, maxLength };
}

/** A refusal in the form that supabase-js reads. */
function refusal(description: string): Answer {
  return { description, content: { "application/json": { schema: { type: "object" } } } };
}

const BATCH_BODY: JsonSchema = {
  type: "object",
  required: ["messages"],
  properties: {
    messages: {
      type: "array",
      maxItems: MAX_BATCH,
      items: {
        type: "object",
        required: ["topic", "event", "payload"],
        properties: {
          topic: text(MAX_NAME_LENGTH),
          event: text(MAX_NAME_LENGTH),
          payload: { type: "object" },
          private: { anyOf: [{ type: "boolean" }, { type: "null" }] },
          id: text(MAX_ID_LENGTH),
        },
      },
    },
  },
};

/** Refusals of a broadcast over HTTP. */
const REFUSALS: Operation["responses"] = {
  401: refusal("The key or the token is missing or wrong."),
  413: refusal("The body is too large."),
  422: refusal("A field is wrong; `errors` names it."),
  429: refusal("Too many requests, or too many messages in one."),
  500: refusal("An error of the server."),
  503: refusal("The backplane or Supabase Auth is unavailable."),
};

/** The socket of supabase-js clients. */
export const SOCKET: RouteDescription = {
  summary: "A WebSocket of a supabase-js Realtime client",
  description: "docs/supabase-js.md of the project.",
  tags: ["sockets"],
  security: SECURITY,
  responses: {
    101: { description: "The socket is open." },
    400: refusal("`vsn` is not supported."),
    401: refusal("The key is missing or wrong."),
    426: refusal("The request is no WebSocket handshake."),
  },
};

/** A batch of broadcasts. */
export const BATCH: RouteDescription = {
  summary: "Broadcasts of a supabase-js client, to several channels",
  description: "Messages that the user may not send are dropped.",
  tags: TAGS,
  security: SECURITY,
  requestBody: { required: true, content: { "application/json": { schema: BATCH_BODY } } },
  responses: { 202: { description: "The messages were sent." }, ...REFUSALS },
};

/** One broadcast, of JSON or bytes. */
export const BROADCAST: RouteDescription = {
  summary: "A broadcast of a supabase-js client",
  tags: TAGS,
  security: SECURITY,
  requestBody: {
    required: true,
    content: {
      "application/json": { schema: {} },
      "application/octet-stream": {
        schema: { type: "string", contentMediaType: "application/octet-stream" },
      },
    },
  },
  responses: {
    202: { description: "The message was sent." },
    403: refusal("The policy refuses the user."),
    415: refusal("The content type is neither JSON nor bytes."),
    ...REFUSALS,
  },
};
