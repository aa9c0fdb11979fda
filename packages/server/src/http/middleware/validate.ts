import { zValidator } from "@hono/zod-validator";
import type { MiddlewareHandler, ValidationTargets } from "hono";
import type { $ZodType } from "zod/v4/core";
import { createLazy } from "../../lazy.ts";
import { invalidPart, RequestProblem } from "./problem.ts";

/**
 * Validates a part of the request with a schema of zod or zod/mini; the route reads it with
 * `c.req.valid(target)`. Answers 400 `invalid_request` with the first field that is wrong, and 415
 * `unsupported_media_type` if `json` is expected and the body says that it is something else.
 */
// The return type is zValidator's own: it is what carries the schema to `c.req.valid` and to `hc`.
// deno-lint-ignore explicit-module-boundary-types
export function validate<S extends $ZodType, Target extends keyof ValidationTargets>(
  target: Target,
  schema: S,
) {
  const validator = zValidator(target, schema, (result) => {
    if (!result.success) throw invalidPart(target, result.error.issues[0]);
  });
  if (target !== "json") return validator;
  const jsonValidator: typeof validator = async (c, next) => {
    checkJsonBody(c.req.raw.headers);
    return await validator(c, next);
  };
  return jsonValidator;
}

/** Media types that Hono's validator reads as JSON. It takes any other body as an empty object. */
const JSON_TYPE = /^application\/([\w.-]+\+)?json$/i;

/** @throws {RequestProblem} 415 `unsupported_media_type` */
export function checkJsonBody(headers: Headers): void {
  const type = headers.get("content-type");
  if (!JSON_TYPE.test(type?.split(";")[0]?.trim() ?? "")) {
    const given = type === null ? "without `Content-Type`" : "with another `Content-Type`";
    throw new RequestProblem("unsupported_media_type", {
      detail: `The body was sent ${given}. Send JSON with \`Content-Type: application/json\`.`,
      field: "header.content-type",
    });
  }
  const coding = headers.get("content-encoding")?.trim().toLowerCase() ?? "identity";
  if (coding !== "identity") {
    throw new RequestProblem("unsupported_media_type", {
      detail: "A body with a `Content-Encoding` is not decoded. Send it without.",
      field: "header.content-encoding",
    });
  }
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
