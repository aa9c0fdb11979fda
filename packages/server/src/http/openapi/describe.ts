import type { MiddlewareHandler } from "hono";
import { createMiddleware } from "hono/factory";
import type { AppEnv } from "../context.ts";
import type { Description } from "./specification.ts";

const descriptions = new WeakMap<object, Description>();

/**
 * Describes a route in `/openapi.json`. Put it among the route's handlers; it does nothing at run
 * time. Parameters of the path are added by themselves.
 *
 * @example
 * endpoint().get("/:id/score", describe({
 *   summary: "The score of a board",
 *   responses: { 200: { description: "The score." } },
 * }), authenticate, (c) => c.json({ score: 3 }));
 */
export function describe(description: Description): MiddlewareHandler<AppEnv> {
  const middleware = createMiddleware<AppEnv>(async function describe(_c, next) {
    await next();
  });
  descriptions.set(middleware, description);
  return middleware;
}

/** The description that a route's handler carries, or undefined. */
export function descriptionOf(handler: unknown): Description | undefined {
  return typeof handler === "function" ? descriptions.get(handler) : undefined;
}
