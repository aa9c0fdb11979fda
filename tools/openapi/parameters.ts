import type * as z from "zod/mini";
import { toJSONSchema } from "zod/v4/core";
import { JoinQuery } from "../../packages/server/src/schemas/join_query.ts";
import { PageQuery } from "../../packages/server/src/schemas/page_query.ts";
import { type Parameter, schemaNamed } from "../../packages/server/src/http/openapi/specification.ts";

/** The room of an address. */
export function roomParameter(name: string): Parameter {
  const description = "the room's id; upper and lower case differ";
  return { name, in: "path", required: true, description, schema: schemaNamed("RoomId") };
}

/** The query of a page of history. */
export function pageParameters(): Parameter[] {
  return queryParameters(PageQuery, {
    after: "the page begins after this offset; not with `before`",
    before: "the page ends before this offset; not with `after`",
    limit: "how many messages at most",
  });
}

/** The query of those who join: from where they want the room's messages. */
export function joinParameters(): Parameter[] {
  return queryParameters(JoinQuery, {
    after: "resumes after this offset, the last that the client has; goes with `epoch`, not with `history`",
    epoch: "the history that `after` belongs to, as `welcome` told it; goes with `after`",
    connection: "the connection that this one continues, whose presence it takes over; for a resume",
    history: "the last so many messages come first",
  });
}

/** What a handshake has to say of itself beside the token. */
export function handshakeParameters(): Parameter[] {
  return [
    {
      name: "Upgrade",
      in: "header",
      required: true,
      description: "WebSocket clients send it by themselves.",
      schema: { const: "websocket" },
    },
    {
      name: "Sec-WebSocket-Protocol",
      in: "header",
      required: false,
      description:
        "Subprotocols: `realtime.v1`, and beside it `jwt-<token>` for a client that can send the token in no other way.",
      schema: { type: "string" },
    },
  ];
}

/** A parameter for each field of a query, as the value that its text means. */
function queryParameters<S extends z.ZodMiniObject>(
  query: S,
  texts: Readonly<Record<keyof z.output<S> & string, string>>,
): Parameter[] {
  const { required = [] } = toJSONSchema(query, { io: "input" });
  const { properties = {} } = toJSONSchema(query, {
    override({ zodSchema, jsonSchema }) {
      // Numbers of a query are whole: wholeText checks that on the text, before there is a number.
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
