import * as z from "zod/mini";

/** A whole number within bounds, as text in a query. Anything else fails with `error`. */
// The inferred return type carries the schema's types.
// deno-lint-ignore explicit-module-boundary-types
export function wholeText(min: number, max: number, error: string) {
  return z.pipe(
    z.string({ error }).check(z.regex(/^\d{1,16}$/, { error })),
    z.pipe(z.transform(Number), z.number().check(z.gte(min, { error }), z.lte(max, { error }))),
  );
}
