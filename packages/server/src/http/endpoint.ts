import { type Handler, Hono } from "hono";
import type { AppEnv } from "./context.ts";
import { isUserProvider } from "./middleware/provide_user.ts";
import { expectWebSocket, isUpgrade } from "./middleware/upgrade.ts";

/**
 * Starts an endpoint: a Hono app that knows the environment of the engine.
 *
 * A route that ends with `upgradeWebSocket` checks the handshake right behind the middleware that
 * provides the user, so that refusals come in the order of docs/protocol.md, section 2, wherever
 * the route validates its parameters.
 *
 * @example
 * export const echo = endpoint().get("/", authenticate, upgradeWebSocket(() => ({
 *   onMessage: (socket, data) => void socket.send(data),
 * })));
 */
export function endpoint(): Hono<AppEnv> {
  // Not strict: `/realtime/` is `/realtime`.
  const app = new Hono<AppEnv>({ strict: false });
  const get = app.get as (...given: unknown[]) => typeof app;
  return Object.assign(app, { get: (...given: unknown[]) => get(...withHandshakeCheck(given)) });
}

function withHandshakeCheck(given: readonly unknown[]): readonly unknown[] {
  if (!isUpgrade(given.at(-1))) return given;
  const behindUser = given.findLastIndex(isUserProvider) + 1;
  // Without a user provider of its own the route stands behind `use`: its first handler is next.
  const at = behindUser > 0 ? behindUser : typeof given[0] === "string" ? 1 : 0;
  const check: Handler<AppEnv> = expectWebSocket;
  return given.toSpliced(at, 0, check);
}
