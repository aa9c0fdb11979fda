import { zValidator } from "@hono/zod-validator";
import type { MiddlewareHandler, ValidationTargets } from "hono";
import type { $ZodType } from "zod/v4/core";
import { createLazy } from "../../lazy.ts";
import { invalidPart } from "./problem.ts";

/**
 * Validates a part of the request with a schema of zod or zod/mini; the route reads it with
 * `c.req.valid(target)`. Answers 400 `invalid_request` with the first field that is wrong.
 */
// The return type is zValidator's own: it is what carries the schema to `c.req.valid` and to `hc`.
// deno-lint-ignore explicit-module-boundary-types
export function validate<S extends $ZodType, Target extends keyof ValidationTargets>(
  target: Target,
  schema: S,
) {
  return zValidator(target, schema, (result) => {
    if (!result.success) throw invalidPart(target, result.error.issues[0]);
  });
}

/**
 * `validate` with a schema that is loaded at the first request: an endpoint that is in every
 * deployment should not make every boot wait for zod (docs/performance.md, "Boot").
 */
// The return type is that of validate.
// deno-lint-ignore explicit-module-boundary-types
export function validateLazily<S extends $ZodType, Target extends keyof ValidationTargets>(
  target: Target,
  load: () => Promise<S>,
) {
  const validator = createLazy(async (): Promise<MiddlewareHandler> => validate(target, await load()));
  const lazy: MiddlewareHandler = async (c, next) => await (await validator.load())(c, next);
  return lazy as ReturnType<typeof validate<S, Target>>;
}
