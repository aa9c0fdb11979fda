import { zValidator } from "@hono/zod-validator";
import type { ValidationTargets } from "hono";
import type { $ZodType } from "zod/v4/core";
import { RequestProblem } from "./problem.ts";

/**
 * Validates a part of the request with a schema of zod or zod/mini; the route reads it with `c.req.valid(target)`. Answers 400 `invalid_request` naming the
 * first field that is wrong.
 */
// The return type is zValidator's own: it is what carries the schema to `c.req.valid` and to `hc`.
// deno-lint-ignore explicit-module-boundary-types
export function validate<S extends $ZodType, Target extends keyof ValidationTargets>(
  target: Target,
  schema: S,
) {
  return zValidator(target, schema, (result) => {
    if (result.success) return;
    const [issue] = result.error.issues;
    const field = [target, ...(issue?.path ?? [])].join(".");
    throw new RequestProblem("invalid_request", { detail: `${field}: ${issue?.message}`, field });
  });
}
