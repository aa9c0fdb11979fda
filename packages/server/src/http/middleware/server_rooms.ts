import { createMiddleware } from "hono/factory";
import type { AppEnv } from "../context.ts";

/** Gives each request the rooms, as `c.var.rooms`. */
export const serverRooms = createMiddleware<AppEnv>(async function serverRooms(c, next) {
  c.set("rooms", c.env.deps.serverRooms);
  await next();
});
