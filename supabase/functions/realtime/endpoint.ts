import { Hono } from "hono";
import type { AppEnv } from "./app_env.ts";

/** Starts an endpoint: a Hono app that knows the environment. docs/recipes/add-an-endpoint.md shows one. */
export function createEndpoint(): Hono<AppEnv> {
  // Not strict: `/realtime/` is `/realtime`.
  return new Hono<AppEnv>({ strict: false });
}
