import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { AppEnv } from "../context.ts";
import { RequestProblem } from "./problem.ts";

/**
 * Refuses larger bodies with 413 `too_large`. Stands in front of the validation, which reads the
 * body. `maxBytes` is `MAX_FRAME_BYTES` by default.
 */
export function limitBody(
  maxBytes: (c: Context<AppEnv>) => number = (c) => c.env.deps.limits.maxFrameBytes,
): MiddlewareHandler<AppEnv> {
  return (c, next) =>
    bodyLimit({
      maxSize: maxBytes(c),
      onError: () => {
        throw new RequestProblem("too_large", { field: "json" });
      },
    })(c, next);
}
