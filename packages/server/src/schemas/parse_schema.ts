import type { ZodMiniType } from "zod/mini";
import type { $ZodType, output } from "zod/v4/core";

/** First issue of an invalid value. */
export interface SchemaIssue {
  readonly message: string;
  /** Path of the invalid field, outermost key first; empty for the value itself. */
  readonly path: readonly PropertyKey[];
}

/** A parsed value, or its first issue. */
export type Parsed<T> = { readonly value: T; readonly issue?: undefined } | { readonly issue: SchemaIssue };

/**
 * Parses a value with a schema of zod or zod/mini. Uses the schema's own parser (Standard Schema),
 * so that the engine does not load zod. Asynchronous only if the schema is.
 */
export function parseSchema<S extends $ZodType>(
  schema: S,
  value: unknown,
): Parsed<output<S>> | Promise<Parsed<output<S>>> {
  const result = schema["~standard"].validate(value);
  return result instanceof Promise ? result.then(toParsed<output<S>>) : toParsed(result);
}

/**
 * Parses a value at once. Uses the schema's own `safeParse`: Standard Schema would run a schema
 * that throws a second time, asynchronously.
 * @throws {Error} if the schema is asynchronous, or throws
 */
export function parseNow<S extends $ZodType>(schema: S, value: unknown): Parsed<output<S>> {
  const { data, error } = (schema as S & Pick<ZodMiniType<output<S>>, "safeParse">).safeParse(value);
  return error ? toParsed<output<S>>(error) : { value: data as output<S> };
}

type Result = Awaited<ReturnType<$ZodType["~standard"]["validate"]>>;

function toParsed<T>(result: Result): Parsed<T> {
  if (!result.issues) return { value: result.value as T };
  const [issue] = result.issues;
  const path = (issue?.path ?? []).map((key) => typeof key === "object" ? key.key : key);
  return { issue: { message: issue?.message ?? "is not valid", path } };
}
