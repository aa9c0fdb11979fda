/**
 * Checks values against JSON Schema 2020-12, as far as the OpenAPI document uses it: a keyword that is not known here fails, so
 * that none is passed over.
 */
export type Schema = Readonly<Record<string, unknown>>;

/** How a value is checked. */
export interface CheckOptions {
  /** Looks up a `$ref`. */
  readonly resolve: (reference: string) => Schema;
  /** Also complains of fields that the schema does not name, unless it says what others are like. False by default. */
  readonly closed?: boolean;
}

type Check = (argument: unknown, value: unknown, at: Place) => string[];

/** Where in the value a check is, and under which schema. */
interface Place {
  readonly path: string;
  readonly schema: Schema;
  readonly options: CheckOptions;
  /** This schema is a part of another one for the same value: what it does not name, that one may. */
  readonly isPart?: boolean;
}

const isSchema = (value: unknown): value is Schema =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A schema where one has to be. */
function asSchema(value: unknown, path: string): Schema {
  if (!isSchema(value)) throw new TypeError(`${path}: no schema: ${JSON.stringify(value)}`);
  return value;
}

const listOf = (value: unknown): unknown[] => Array.isArray(value) ? value : [];

const complain = (isWrong: boolean, { path }: Place, what: string): string[] =>
  isWrong ? [`${path} ${what}`] : [];

function isOfType(type: unknown, value: unknown): boolean {
  if (type === "integer") return Number.isInteger(value);
  if (type === "null") return value === null;
  if (type === "array") return Array.isArray(value);
  if (type === "object") return isSchema(value);
  const kind = typeof value;
  return kind === type;
}

/** The fields that a schema names, itself or through its parts. */
function namedFields(schema: Schema, options: CheckOptions): string[] {
  const { $ref, allOf, properties } = schema;
  const parts = listOf(allOf).filter(isSchema);
  if (typeof $ref === "string") parts.push(options.resolve($ref));
  return [
    ...isSchema(properties) ? Object.keys(properties) : [],
    ...parts.flatMap((part) => namedFields(part, options)),
  ];
}

/** The fields of a value that its schema does not name. */
function otherFields(schema: Schema, value: unknown, options: CheckOptions): string[] {
  const named = namedFields(schema, options);
  return isSchema(value) ? Object.keys(value).filter((name) => !named.includes(name)) : [];
}

const nothing: Check = () => [];

const KEYWORDS: Readonly<Record<string, Check>> = {
  description: nothing,
  default: nothing,
  examples: nothing,
  format: nothing,
  discriminator: nothing,
  $ref: (argument, value, at) => check(at.options.resolve(String(argument)), value, { ...at, isPart: true }),
  type: (argument, value, at) => {
    const types = Array.isArray(argument) ? argument : [argument];
    return complain(!types.some((type) => isOfType(type, value)), at, `is not of type ${types}`);
  },
  const: (argument, value, at) => complain(value !== argument, at, `is not ${JSON.stringify(argument)}`),
  enum: (argument, value, at) => complain(!listOf(argument).includes(value), at, `is none of ${argument}`),
  minimum: (argument, value, at) => complain(Number(value) < Number(argument), at, `is below ${argument}`),
  maximum: (argument, value, at) => complain(Number(value) > Number(argument), at, `is above ${argument}`),
  minLength: (argument, value, at) =>
    complain(typeof value === "string" && [...value].length < Number(argument), at, "is too short"),
  maxLength: (argument, value, at) =>
    complain(typeof value === "string" && [...value].length > Number(argument), at, "is too long"),
  pattern: (argument, value, at) =>
    complain(
      typeof value === "string" && !new RegExp(String(argument), "u").test(value),
      at,
      "does not match",
    ),
  items: (argument, value, at) =>
    listOf(value).flatMap((item, index) =>
      check(asSchema(argument, at.path), item, { ...at, path: `${at.path}[${index}]` })
    ),
  properties: (argument, value, at) =>
    Object.entries(asSchema(argument, at.path)).flatMap(([name, schema]) => {
      if (!isSchema(value) || !Object.hasOwn(value, name)) return [];
      return check(asSchema(schema, at.path), value[name], { ...at, path: `${at.path}.${name}` });
    }),
  required: (argument, value, at) =>
    listOf(argument).flatMap((name) =>
      complain(isSchema(value) && !Object.hasOwn(value, String(name)), at, `has no ${name}`)
    ),
  additionalProperties: (argument, value, at) => {
    const others = otherFields(at.schema, value, at.options);
    return complain(argument === false && others.length > 0, at, `has ${others}`);
  },
  // Field names are text.
  propertyNames: nothing,
  dependentSchemas: (argument, value, at) =>
    Object.entries(asSchema(argument, at.path)).flatMap(([name, schema]) =>
      isSchema(value) && Object.hasOwn(value, name)
        ? check(asSchema(schema, at.path), value, { ...at, isPart: true })
        : []
    ),
  allOf: (argument, value, at) =>
    listOf(argument).flatMap((schema) => check(asSchema(schema, at.path), value, { ...at, isPart: true })),
  not: (argument, value, at) => complain(matching([argument], value, at) > 0, at, "is what it must not be"),
  anyOf: (argument, value, at) => complain(matching(argument, value, at) === 0, at, "matches none"),
  oneOf: (argument, value, at) => complain(matching(argument, value, at) !== 1, at, "does not match one"),
};

function matching(schemas: unknown, value: unknown, at: Place): number {
  return listOf(schemas).filter((schema) => check(asSchema(schema, at.path), value, at).length === 0).length;
}

function check(schema: Schema, value: unknown, at: Omit<Place, "schema">): string[] {
  const { path, options, isPart = false } = at;
  const here = { path, options, schema };
  const complaints = Object.entries(schema).flatMap(([keyword, argument]) => {
    const ofKeyword = KEYWORDS[keyword];
    if (!ofKeyword) throw new TypeError(`${path}: the keyword ${keyword} is not known here`);
    return ofKeyword(argument, value, here);
  });
  const isOpen = isPart || !options.closed || "additionalProperties" in schema ||
    namedFields(schema, options).length === 0;
  const others = isOpen ? [] : otherFields(schema, value, options);
  return [...complaints, ...complain(others.length > 0, here, `has ${others}, which is not described`)];
}

/** What the schema does not allow in the value: one line each, none when it fits. */
export function complaintsOf(schema: Schema, value: unknown, options: CheckOptions): string[] {
  return check(schema, value, { path: "value", options });
}
