import type { MiddlewareHandler } from "hono";
import { createMiddleware } from "hono/factory";
import type { AppEnv } from "../context.ts";
import type { RouteDescription } from "./specification.ts";

export type { RouteDescription };

const descriptions = new WeakMap<object, RouteDescription>();

/**
 * Describes a route in `/openapi.json`. Put it among the route's handlers, not into `use`; at run
 * time it only passes on. Parameters of the path are added, as are an `operationId` and a tag. A
 * second description of the route adds parameters and responses, and replaces other fields.
 *
 * @example
 * endpoint().get(
 *   "/:board/score",
 *   describe({
 *     summary: "The score of a board",
 *     security: [{ userToken: [] }],
 *     responses: { 200: { description: "The score." } },
 *   }),
 *   authenticate,
 *   (c) => c.json({ score: 3 }),
 * );
 */
export function describe(description: RouteDescription): MiddlewareHandler<AppEnv> {
  const middleware = createMiddleware<AppEnv>(async function describe(_c, next) {
    await next();
  });
  descriptions.set(middleware, description);
  return middleware;
}

/** The description that a route's handler carries, or undefined. */
export function descriptionOf(handler: object): RouteDescription | undefined {
  return descriptions.get(handler);
}
