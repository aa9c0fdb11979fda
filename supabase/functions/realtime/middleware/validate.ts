import { zValidator } from "@hono/zod-validator";
import type { MiddlewareHandler, ValidationTargets } from "hono";
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

/**
 * `validate` with a schema that is loaded at the first request: an endpoint that is in every deployment should not make every boot
 * wait for zod (docs/performance.md, "Boot").
 */
// The return type is that of validate.
// deno-lint-ignore explicit-module-boundary-types
export function validateLate<S extends $ZodType, Target extends keyof ValidationTargets>(
  target: Target,
  load: () => Promise<S>,
) {
  let loaded: MiddlewareHandler | undefined;
  const late: MiddlewareHandler = async (c, next) => {
    loaded ??= validate(target, await load());
    return await loaded(c, next);
  };
  return late as ReturnType<typeof validate<S, Target>>;
}
