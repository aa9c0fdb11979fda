import { $ZodLiteral, $ZodRegistry, type $ZodType, toJSONSchema, type ToJSONSchemaParams } from "zod/v4/core";
import { PublishBody } from "../../packages/server/src/schemas/client_frames.ts";
import { FIELD_TEXT } from "../../packages/server/src/schemas/field_text.ts";
import { DisconnectBody, KickBody } from "../../packages/server/src/schemas/operator_bodies.ts";
import { RoomId } from "../../packages/server/src/schemas/room_id.ts";
import { ServerFrame } from "../../packages/server/src/schemas/server_frames.ts";
import { TicketBody } from "../../packages/server/src/schemas/ticket_body.ts";
import { ANSWERS } from "./answers.ts";
import { type JsonSchema, schemaNamed } from "../../packages/server/src/http/openapi/specification.ts";

type Override = NonNullable<ToJSONSchemaParams["override"]>;

/** Every schema of the document by its name: requests as sent, responses as received. */
export function describeSchemas(): Record<string, JsonSchema> {
  return {
    ...convert(
      { RoomId, PublishBody, KickBody, DisconnectBody, TicketBody },
      "input",
      describeRequest,
    ),
    ...convert({ ...ANSWERS, ...Object.fromEntries(namedFrames()), ServerFrame }, "output", describeAnswer),
  };
}

/** Pairs of a name, for example `WelcomeFrame`, and the schema of that frame. */
function namedFrames() {
  return ServerFrame.def.options.map((frame) => {
    const word = wordOf(frame.shape.type);
    return [`${word.charAt(0).toUpperCase()}${word.slice(1)}Frame`, frame] as const;
  });
}

/** Value of a frame's `type`, for example `welcome`. */
function wordOf(type: $ZodType): string {
  return type instanceof $ZodLiteral ? String(type._zod.def.values[0]) : "";
}

/** Converts to JSON Schema; schemas that contain each other become references. */
function convert(
  schemas: Readonly<Record<string, $ZodType>>,
  io: "input" | "output",
  override: Override,
): Record<string, JsonSchema> {
  const named = new $ZodRegistry<{ id: string }>();
  for (const [id, schema] of Object.entries(schemas)) named.add(schema, { id });
  const converted = toJSONSchema(named, { io, uri: (id) => schemaNamed(id).$ref, override }).schemas;
  return Object.fromEntries(
    // `$schema` repeats the document's dialect; OpenAPI finds a schema by its place, not by `$id`.
    Object.entries(converted).map(([id, { $schema: _, $id: __, ...schema }]) => [id, schema]),
  );
}

const describeField: Override = ({ zodSchema, jsonSchema }) => {
  const text = FIELD_TEXT.get(zodSchema)?.text;
  if (text !== undefined) jsonSchema.description = text;
};

/** Condition of fields that go with `ephemeral: true` only. */
const IS_EPHEMERAL = { properties: { ephemeral: { const: true } }, required: ["ephemeral"] };

const describeRequest: Override = (context) => {
  describeField(context);
  if (context.zodSchema === KickBody) {
    // zod cannot convert the refinement that exactly one is given.
    const { user = true, connection = true } = context.jsonSchema.properties ?? {};
    context.jsonSchema.oneOf = [
      { properties: { user }, required: ["user"] },
      { properties: { connection }, required: ["connection"] },
    ];
  }
  if (context.zodSchema !== PublishBody) return;
  // zod cannot convert the refinements of `to`, `key` and `exclude`.
  context.jsonSchema.dependentSchemas = { to: IS_EPHEMERAL, key: IS_EPHEMERAL };
  context.jsonSchema.dependentRequired = { exclude: ["connection"] };
};

const describeAnswer: Override = (context) => {
  describeField(context);
  const { zodSchema, jsonSchema } = context;
  // Servers may add optional fields (docs/protocol.md): generated clients have to accept them.
  if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
  // Every z.int() has these bounds; they are no limits of the field.
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  if (zodSchema === ServerFrame) jsonSchema.discriminator = frameTypes();
  for (const [name, description] of Object.entries(PARTS.get(zodSchema) ?? {})) {
    const property = jsonSchema.properties?.[name];
    if (typeof property !== "object") continue;
    // A copy, since several properties may share one schema object.
    jsonSchema.properties = { ...jsonSchema.properties, [name]: { ...property, description } };
  }
};

/** Schema of each frame's `type`, for tools that pick by it. */
function frameTypes(): { readonly propertyName: "type"; readonly mapping: Readonly<Record<string, string>> } {
  const mapping = namedFrames().map(([name, frame]) => [wordOf(frame.shape.type), schemaNamed(name).$ref]);
  return { propertyName: "type", mapping: Object.fromEntries(mapping) };
}

const MEMBER = {
  user: "the verified user's id",
  connection: "the connection that entered",
  state: "as the connection set it",
};

/** Descriptions of nested fields; FIELD_TEXT describes the fields of frames only. */
const PARTS: ReadonlyMap<$ZodType, Readonly<Record<string, string>>> = new Map<
  $ZodType,
  Record<string, string>
>([
  [ANSWERS.Sender, {
    user: "the verified user's id; `service_role` when a secret key published it",
    connection: "the sender's connection; absent when published over HTTP",
  }],
  [ANSWERS.Member, MEMBER],
  [ANSWERS.UpdatedMember, {
    ...MEMBER,
    previous: "the connection whose entry this one takes over",
  }],
  [ANSWERS.LeftMember, { user: MEMBER.user, connection: MEMBER.connection }],
]);
