import type * as z from "zod/mini";
import { toJSONSchema } from "zod/v4/core";
import { JoinQuery } from "../../packages/server/src/schemas/join_query.ts";
import { RoomsQuery } from "../../packages/server/src/schemas/operator_bodies.ts";
import { PageQuery } from "../../packages/server/src/schemas/page_query.ts";
import { type Parameter, schemaNamed } from "../../packages/server/src/http/openapi/specification.ts";

/** Path parameter with the room's id. */
export function roomParameter(name: string): Parameter {
  const description = "the room's id; upper and lower case differ";
  return { name, in: "path", required: true, description, schema: schemaNamed("RoomId") };
}

/** Query parameters of a page of history. */
export function pageParameters(): Parameter[] {
  return queryParameters(PageQuery, {
    after: "the page begins after this offset; not with `before`",
    before: "the page ends before this offset; not with `after`",
    limit: "maximum number of messages",
  });
}

/** Query parameters of the list of rooms. */
export function roomListParameters(): Parameter[] {
  return queryParameters(RoomsQuery, {
    cursor: "`next` of the page before",
    limit: "maximum number of rooms",
  });
}

/** Query parameters of a join: the point at which the room's messages begin. */
export function joinParameters(): Parameter[] {
  return queryParameters(JoinQuery, {
    after: "resumes after this offset, the last that the client has; goes with `epoch`, not with `history`",
    epoch:
      "the history that `after` belongs to, from `welcome`; goes with `after`; empty with `after=0`: the start of the history",
    connection: "the previous connection, whose presence this one takes over; for a resume",
    history: "number of stored messages to replay first",
  });
}

/** Headers of a handshake besides the token. */
export function handshakeParameters(): Parameter[] {
  return [
    {
      name: "Upgrade",
      in: "header",
      required: true,
      description: "Every WebSocket client sends it.",
      schema: { const: "websocket" },
    },
    {
      name: "Connection",
      in: "header",
      required: true,
      description: "Contains `Upgrade`.",
      schema: { const: "Upgrade" },
    },
    {
      name: "Sec-WebSocket-Version",
      in: "header",
      required: true,
      description: "The version of RFC 6455.",
      schema: { const: "13" },
    },
    {
      name: "Sec-WebSocket-Key",
      in: "header",
      required: true,
      description: "The base64 form of 16 random bytes, new for each handshake.",
      schema: { type: "string", pattern: "^[A-Za-z0-9+/]{22}==$" },
    },
    {
      name: "Sec-WebSocket-Protocol",
      in: "header",
      required: false,
      description:
        "Subprotocols: `realtime.v1`, and `jwt-<token>` for a client that cannot send the token otherwise.",
      schema: { type: "string" },
    },
  ];
}

/** A parameter for each field of a query; its schema describes the parsed value. */
function queryParameters<S extends z.ZodMiniObject>(
  query: S,
  texts: Readonly<Record<keyof z.output<S> & string, string>>,
): Parameter[] {
  const { required = [] } = toJSONSchema(query, { io: "input" });
  const { properties = {} } = toJSONSchema(query, {
    override({ zodSchema, jsonSchema }) {
      // wholeText checks the text, so the schema of the parsed number does not say `integer`.
      if (zodSchema._zod.def.type === "number") jsonSchema.type = "integer";
    },
  });
  return Object.entries<string>(texts).map(([name, description]) => {
    const schema = properties[name];
    return {
      name,
      in: "query",
      required: required.includes(name),
      description,
      schema: typeof schema === "object" ? schema : {},
    };
  });
}
