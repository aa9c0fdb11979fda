import { $ZodLiteral, $ZodRegistry, type $ZodType, toJSONSchema, type ToJSONSchemaParams } from "zod/v4/core";
import { PublishBody } from "../../packages/server/src/schemas/client_frames.ts";
import { FIELD_TEXT } from "../../packages/server/src/schemas/field_text.ts";
import { RoomId } from "../../packages/server/src/schemas/room_id.ts";
import { ServerFrame } from "../../packages/server/src/schemas/server_frames.ts";
import { ANSWERS } from "./answers.ts";
import { type JsonSchema, schemaNamed } from "../../packages/server/src/http/openapi/specification.ts";

type Override = NonNullable<ToJSONSchemaParams["override"]>;

/**
 * Every schema of the document by its name: what is sent as it is sent, what is answered as it is
 * answered.
 */
export function describeSchemas(): Record<string, JsonSchema> {
  return {
    ...convert({ RoomId, PublishBody }, "input", describeRequest),
    ...convert({ ...ANSWERS, ...Object.fromEntries(namedFrames()), ServerFrame }, "output", describeAnswer),
  };
}

/** Such as `WelcomeFrame` and the frame itself. */
function namedFrames() {
  return ServerFrame.def.options.map((frame) => {
    const word = wordOf(frame.shape.type);
    return [`${word.charAt(0).toUpperCase()}${word.slice(1)}Frame`, frame] as const;
  });
}

/** Such as `welcome`. */
function wordOf(type: $ZodType): string {
  return type instanceof $ZodLiteral ? String(type._zod.def.values[0]) : "";
}

/** Schemas that are parts of each other become references. */
function convert(
  schemas: Readonly<Record<string, $ZodType>>,
  io: "input" | "output",
  override: Override,
): Record<string, JsonSchema> {
  const named = new $ZodRegistry<{ id: string }>();
  for (const [id, schema] of Object.entries(schemas)) named.add(schema, { id });
  const converted = toJSONSchema(named, { io, uri: (id) => schemaNamed(id).$ref, override }).schemas;
  return Object.fromEntries(
    // `$schema` is the document's own dialect; an `$id` may hold no fragment, and the place is name
    // enough.
    Object.entries(converted).map(([id, { $schema: _, $id: __, ...schema }]) => [id, schema]),
  );
}

const describeField: Override = ({ zodSchema, jsonSchema }) => {
  const text = FIELD_TEXT.get(zodSchema)?.text;
  if (text !== undefined) jsonSchema.description = text;
};

const describeRequest: Override = (context) => {
  describeField(context);
  if (context.zodSchema !== PublishBody) return;
  // A refinement, which no converter can read.
  context.jsonSchema.dependentSchemas = {
    to: { properties: { ephemeral: { const: true } }, required: ["ephemeral"] },
  };
};

const describeAnswer: Override = (context) => {
  describeField(context);
  const { zodSchema, jsonSchema } = context;
  // New optional fields may come (docs/protocol.md): a client that was generated from this has to
  // let them pass.
  if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
  // The bounds of every z.int(), which say nothing of this number.
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  if (zodSchema === ServerFrame) jsonSchema.discriminator = frameTypes();
  for (const [name, description] of Object.entries(PARTS.get(zodSchema) ?? {})) {
    const property = jsonSchema.properties?.[name];
    if (typeof property !== "object") continue;
    // Another object: a schema that serves several properties is one object in all of them.
    jsonSchema.properties = { ...jsonSchema.properties, [name]: { ...property, description } };
  }
};

/** Which schema a frame's `type` means, for tools that do not compare them all. */
function frameTypes(): { readonly propertyName: "type"; readonly mapping: Readonly<Record<string, string>> } {
  const mapping = namedFrames().map(([name, frame]) => [wordOf(frame.shape.type), schemaNamed(name).$ref]);
  return { propertyName: "type", mapping: Object.fromEntries(mapping) };
}

const MEMBER = {
  user: "the verified user's id",
  connection: "the connection that entered",
  state: "as the connection set it",
};

/** What the fields of parts are: FIELD_TEXT speaks of a frame's own fields only. */
const PARTS: ReadonlyMap<$ZodType, Readonly<Record<string, string>>> = new Map<
  $ZodType,
  Record<string, string>
>([
  [ANSWERS.Sender, {
    user: "the verified user's id; `service_role` when it was published with a secret key",
    connection: "the connection that it was sent over; absent when it came over HTTP",
  }],
  [ANSWERS.Member, MEMBER],
  [ANSWERS.UpdatedMember, {
    ...MEMBER,
    previous: "the connection whose entry goes on as this one",
  }],
  [ANSWERS.LeftMember, { user: MEMBER.user, connection: MEMBER.connection }],
]);
