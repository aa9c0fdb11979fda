import type { JsonSchema, Operation, RouteDescription } from "../openapi/specification.ts";

const TAGS = ["supabase-js"];
const SECURITY: NonNullable<Operation["security"]> = [{ publishableKey: [] }, { publishableKeyInQuery: [] }];
const REFUSAL = { "application/json": { schema: { type: "object" } } } as const;

const TEXT: JsonSchema = { type: "string", minLength: 1, maxLength: 512 };
const BATCH_BODY: JsonSchema = {
  type: "object",
  required: ["messages"],
  properties: {
    messages: {
      type: "array",
      maxItems: 500,
      items: {
        type: "object",
        required: ["topic", "event", "payload"],
        properties: {
          topic: TEXT,
          event: TEXT,
          payload: { type: "object" },
          private: { anyOf: [{ type: "boolean" }, { type: "null" }] },
          id: { type: "string", minLength: 1, maxLength: 64 },
        },
      },
    },
  },
};

/** Refusals of a broadcast over HTTP, in the form that supabase-js reads. */
const REFUSALS: Operation["responses"] = {
  401: { description: "The key or the token is missing or wrong.", content: REFUSAL },
  413: { description: "The body is too large.", content: REFUSAL },
  422: { description: "A field is wrong; `errors` names it.", content: REFUSAL },
  429: { description: "Too many requests, or too many messages in one.", content: REFUSAL },
  500: { description: "An error of the server.", content: REFUSAL },
  503: { description: "The backplane or Supabase Auth is unavailable.", content: REFUSAL },
};

/** The socket of supabase-js clients. */
export const SOCKET: RouteDescription = {
  summary: "A WebSocket of a supabase-js Realtime client",
  description: "docs/supabase-js.md of the project.",
  tags: ["sockets"],
  security: SECURITY,
  responses: {
    101: { description: "The socket is open." },
    400: { description: "`vsn` is not supported.", content: REFUSAL },
    401: { description: "The key is missing or wrong.", content: REFUSAL },
    426: { description: "The request is no WebSocket handshake.", content: REFUSAL },
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
    403: { description: "The policy refuses the user.", content: REFUSAL },
    415: { description: "The content type is neither JSON nor bytes.", content: REFUSAL },
    ...REFUSALS,
  },
};
