import type { MiddlewareHandler } from "hono";
import type { $ZodType, input, output } from "zod/v4/core";
import type { AppEnv, Deps, PendingJoin, UserEnv } from "../context.ts";
import type { User } from "../../auth/user.ts";
import { endpoint } from "../endpoint.ts";
import { RequestProblem } from "../middleware/problem.ts";
import { limitRequests } from "../middleware/rate_limits.ts";
import { expectWebSocket, requestUpgrade, type UpgradeResponse } from "../middleware/upgrade.ts";
import type { CodeOfEndpoint } from "./http_publish_hook.ts";
import { joinFrom } from "./join_from.ts";
import { joinQuery, roomAddress } from "./validate_address.ts";
import { createRoomEvents } from "./room_events.ts";
import { createRoomHttp } from "./room_http.ts";
import { createRoomKick } from "./room_kick.ts";
import type { Authorize } from "../../rooms/policy/authorize.ts";
import type { JoinFrom, JoinRequest } from "../../rooms/join_request.ts";
import type { Method, RoomHooks, RoomMethods, Schemas } from "../../rooms/server_code/room_code.ts";

/** Schemas of zod or zod/mini for the `data` of events, by event. */
export type Events = Schemas;
/** No schemas: those of the calls of an endpoint without any. */
export type NoSchemas = Readonly<Record<never, never>>;

/** Options of an endpoint of rooms. */
export interface RoomEndpointOptions<
  E extends Events,
  Inputs extends Schemas = NoSchemas,
  Outputs extends Schemas = NoSchemas,
> extends RoomHooks<E> {
  /** The middleware that decides who may connect; made with `provideUser`. */
  readonly authenticate: MiddlewareHandler<AppEnv & UserEnv>;
  /**
   * Separates these rooms from those of other endpoints: the same id is another room. Stored
   * messages carry the name, so a new name leaves history behind. `rooms` by default.
   */
  readonly name?: string;
  /**
   * Only these events may be published, each with data of its schema. By default any event with any
   * data.
   */
  readonly events?: E;
  /**
   * Methods that members call (`room.call` of the client), by name. Every member may; refuse in the
   * handler.
   */
  readonly rpc?: RoomMethods<Inputs, Outputs>;
  /** Schema of the state with which members enter presence; by default any object. */
  readonly presence?: $ZodType;
  /** Decides permissions; the deployment's policy (`ROOM_POLICY`) by default. */
  readonly authorize?: Authorize;
}

/** Data that may be published to an endpoint's rooms, by event: `RoomEvents<typeof boards>`. */
export type RoomEvents<T extends { readonly events: Events }> = {
  [Name in keyof T["events"]]: input<T["events"][Name]>;
};

/** Data that arrives from an endpoint's rooms, by event. */
export type RoomMessages<T extends { readonly events: Events }> = {
  [Name in keyof T["events"]]: output<T["events"][Name]>;
};

/** Input and output of an endpoint's calls, by method: `RoomCalls<typeof tables>`. */
export type RoomCalls<
  T extends { readonly calls: { readonly inputs: Schemas; readonly outputs: Schemas } },
> = {
  [Name in keyof T["calls"]["inputs"]]: {
    readonly input: input<T["calls"]["inputs"][Name]>;
    readonly output: Name extends keyof T["calls"]["outputs"] ? output<T["calls"]["outputs"][Name]> : never;
  };
};

/**
 * Creates an endpoint of rooms, `/:id`, that speaks the rooms protocol (docs/protocol.md):
 * broadcast, history, presence, resume. Mount it in app.ts. docs/rooms.md shows one with events of
 * its own.
 */
// The return type is the endpoint's routes, which `hc<App>()` reads.
// deno-lint-ignore explicit-module-boundary-types
export function roomEndpoint<
  E extends Events = Events,
  Inputs extends Schemas = NoSchemas,
  Outputs extends Schemas = NoSchemas,
>(options: RoomEndpointOptions<E, Inputs, Outputs>) {
  const { name = "rooms", authenticate } = options;
  // A map, since an event named `constructor` would be found in every object.
  const events = options.events && new Map(Object.entries(options.events));
  const code = codeOf(options);
  const http = createRoomHttp({ name, events, code, authorize: options.authorize, authenticate });

  /**
   * Admits a user to a room, and returns the join request.
   * @throws {RequestProblem} `forbidden`, `room_full`
   */
  async function admit(room: string, from: JoinFrom, user: User, deps: Deps): Promise<JoinRequest> {
    const authorize = options.authorize ?? deps.authorize;
    const permissions = await authorize(user, room);
    if (!permissions.join) {
      throw new RequestProblem("forbidden", { detail: "This user may not join this room." });
    }
    if (from.type === "history" && !permissions.history) {
      const detail = "This user may not read this room's history.";
      throw new RequestProblem("forbidden", { detail, field: "query.history" });
    }
    const key = `${name}/${room}`;
    const refusal = deps.rooms.refusal(key);
    if (refusal) throw new RequestProblem(refusal);
    return { room, key, permissions, from, events, code: code?.(deps.serverRooms), authorize };
  }

  const routes = endpoint().route("/", http).route("/", createRoomEvents({ authenticate, admit }))
    .route("/", createRoomKick({ name }))
    .get(
      "/:id",
      authenticate,
      limitRequests,
      expectWebSocket,
      roomAddress,
      joinQuery,
      async (c) => {
        const deps = c.env.deps;
        const from = joinFrom(c.req.valid("query"));
        const request = await admit(c.req.valid("param").id, from, c.get("user"), deps);
        if (c.env.join) return acceptJoin(request, c.env.join, deps);
        return requestUpgrade(c, deps.rooms.memberHandlers(request), {
          ownHeartbeat: true,
          queuedFrames: deps.rooms.limits.frames_burst,
        });
      },
    );
  // For types only: schemas are the server's.
  return routes as typeof routes & {
    readonly events: E;
    readonly calls: { readonly inputs: Inputs; readonly outputs: Outputs };
  };
}

/** Collects the code of an endpoint; undefined if there is none, so that its rooms ask nobody. */
function codeOf<E extends Events, Inputs extends Schemas, Outputs extends Schemas>(
  { onJoin, onPublish, onLeave, rpc, presence }: RoomEndpointOptions<E, Inputs, Outputs>,
): CodeOfEndpoint {
  if (!onJoin && !onPublish && !onLeave && !rpc && !presence) return undefined;
  const methods = new Map(Object.entries<Method>(rpc ?? {}));
  return (rooms) => ({ onJoin, onPublish, onLeave, methods, presence, rooms });
}

/**
 * Accepts a join over a socket for many rooms, which counts as one connection already.
 * @throws {RequestProblem} 503 `overloaded`
 */
function acceptJoin(request: JoinRequest, join: PendingJoin, { connections }: Deps): UpgradeResponse {
  if (connections.isDraining || connections.isShortOfMemory) throw new RequestProblem("overloaded");
  join.request = request;
  return new Response(null, { status: 101 }) as UpgradeResponse;
}
