import type { MiddlewareHandler } from "hono";
import { createMiddleware } from "hono/factory";
import { routePath } from "hono/route";
import type { User } from "../../auth/user.ts";
import { lastEvent } from "../../rooms/inbound/last_event.ts";
import { createEventText } from "../../rooms/outbound/event_text.ts";
import type { JoinFrom, JoinRequest } from "../../rooms/join_request.ts";
import { openEventStream } from "../../socket/event_stream.ts";
import type { AppEnv, Deps, UserEnv } from "../context.ts";
import { endpoint } from "../endpoint.ts";
import { RequestProblem } from "../middleware/problem.ts";
import { limitJoins, limitRequests } from "../middleware/rate_limits.ts";
import { refuseAsStream } from "../middleware/stream_refusals.ts";
import { checkOrigin } from "../middleware/upgrade.ts";
import { joinFrom } from "./join_from.ts";
import { joinQuery, roomAddress } from "./validate_address.ts";

/** Options that the event streams of a room endpoint share with its sockets. */
export interface RoomEventsOptions {
  readonly authenticate: MiddlewareHandler<AppEnv & UserEnv>;
  /** Admits a user to a room, or throws the refusal. */
  readonly admit: (room: string, from: JoinFrom, user: User, deps: Deps) => Promise<JoinRequest>;
}

/** Creates `GET /:id/events` of an endpoint of rooms (docs/protocol.md, "Over HTTP"). */
// The return type is the endpoint's routes, which `hc<App>()` reads.
// deno-lint-ignore explicit-module-boundary-types
export function createRoomEvents({ authenticate, admit }: RoomEventsOptions) {
  return endpoint().get(
    "/:id/events",
    refuseAsStream,
    authenticate,
    limitRequests,
    checkStreamRequest,
    roomAddress,
    joinQuery,
    async (c) => {
      const deps = c.env.deps;
      const user = c.get("user");
      const named = isNamed(c.req.query("events"));
      // Polyfills that cannot send the header use the query.
      const last = c.req.header("last-event-id") || c.req.query("lastEventId");
      const from = last ? lastEvent(last) : joinFrom(c.req.valid("query"));
      const request = await admit(c.req.valid("param").id, from, user, deps);
      const refusal = deps.connections.refusal(user.id);
      if (refusal) throw new RequestProblem(refusal);
      return openEventStream({
        user,
        requestId: c.get("requestId"),
        route: routePath(c),
        handlers: deps.rooms.memberHandlers(request),
        eventText: createEventText({ from, isNamed: named }),
      }, deps);
    },
  );
}

/** Checks an event stream like a handshake: the page's origin, then the rate of joins. */
const checkStreamRequest = createMiddleware<AppEnv>(async function checkStreamRequest(c, next) {
  checkOrigin(c);
  limitJoins(c);
  await next();
});

/** @throws {RequestProblem} `invalid_request` for another value than `named` */
function isNamed(events: string | undefined): boolean {
  if (events === undefined || events === "named") return events !== undefined;
  throw new RequestProblem("invalid_request", {
    detail: "query.events: must be `named`, or left out for events without names.",
    field: "query.events",
  });
}
