import type { Context, Env, Input, TypedResponse } from "hono";
import { createMiddleware } from "hono/factory";
import { routePath } from "hono/route";
import type { $ZodType, output } from "zod/v4/core";
import { REALTIME_V1 } from "../../../../protocol/subprotocols.ts";
import type { User } from "../../auth/user.ts";
import type { ServerRooms } from "../../rooms/server_code/server_rooms.ts";
import { parseSchema } from "../../schemas/parse_schema.ts";
import { findHandshakeProblem } from "../../socket/handshake.ts";
import { limitFrames } from "../../socket/limit_frames.ts";
import type { SocketHandlers } from "../../socket/socket.ts";
import { watchToken } from "../../socket/watch_token.ts";
import type { AppEnv, UserEnv } from "../context.ts";
import { invalidPart, RequestProblem } from "./problem.ts";
import { limitJoins } from "./rate_limits.ts";
import { checkSocketLimits } from "./socket_limits.ts";

/**
 * Lets only WebSocket handshakes through, and only from allowed origins. Answers 400
 * `expected_websocket`, 426 `unsupported_websocket_version`, 403 `forbidden`, or, for a user that
 * opens too many sockets, 429 `rate_limited`.
 */
export const expectWebSocket = createMiddleware<AppEnv>(async function expectWebSocket(c, next) {
  checkHandshake(c);
  limitJoins(c);
  await next();
});

/**
 * @throws {RequestProblem} 400 `expected_websocket`, 426 `unsupported_websocket_version`,
 * 403 `forbidden`
 */
function checkHandshake(c: Context<AppEnv>): void {
  const problem = findHandshakeProblem(c.req.raw);
  if (problem) throw new RequestProblem(problem.code, problem.detail ? { detail: problem.detail } : {});
  checkOrigin(c);
}

/**
 * Lets only pages of allowed origins connect. A program sends no origin.
 * @throws {RequestProblem} 403 `forbidden`
 */
export function checkOrigin(c: Context<AppEnv>): void {
  const origin = c.req.header("origin");
  const { allowedOrigins } = c.env.deps;
  if (origin !== undefined && !allowedOrigins.includes("*") && !allowedOrigins.includes(origin)) {
    throw new RequestProblem("forbidden", {
      detail: "Pages of this origin may not connect. ALLOWED_ORIGINS says which may.",
      field: "header.origin",
    });
  }
}

/** Options of an upgrade. */
export interface UpgradeOptions {
  /** Subprotocols that the endpoint speaks, in order of preference; `realtime.v1` by default. */
  readonly subprotocols?: readonly string[];
  /**
   * True if the endpoint itself notices that a client that selected one of `subprotocols` is
   * silent. The runtime's WebSocket pings, which cost timers at every message, are then off. False
   * by default.
   */
  readonly ownHeartbeat?: boolean;
  /**
   * True if the endpoint limits the rate of messages itself. By default `FRAMES_PER_SECOND` and
   * `FRAMES_BURST` hold.
   */
  readonly ownFrameLimit?: boolean;
  /** Largest message of a client, in bytes: 1 to 16,777,216. `MAX_FRAME_BYTES` by default. */
  readonly maxFrameBytes?: number;
  /** Messages of a socket per second on average: 1 to 1,000,000. `FRAMES_PER_SECOND` by default. */
  readonly framesPerSecond?: number;
  /** Messages of a socket at once after a pause: 1 to 1,000,000. `FRAMES_BURST` by default. */
  readonly framesBurst?: number;
  /**
   * False if the socket may outlive its token. By default it is closed with 4401 when the token has
   * expired, `EXPIRY_GRACE_SECONDS` later. A session that Auth ended closes it in any case.
   */
  readonly closeAtExpiry?: boolean;
  /** Frames that may wait, where that has to be more than `MAX_QUEUED_FRAMES`. */
  readonly queuedFrames?: number;
}

/** Schemas of zod or zod/mini for the address of a socket. */
export interface AddressSchemas<Param extends $ZodType, Query extends $ZodType> {
  readonly param?: Param;
  readonly query?: Query;
}

/** The validated address of a socket; a part without a schema is undefined. */
export interface ValidAddress<Param extends $ZodType, Query extends $ZodType> {
  readonly param: output<Param>;
  readonly query: output<Query>;
}

/**
 * The context that `upgradeWebSocket` needs. Deliberately no `Context` of Hono: the compiler then
 * compares it with the route's own context, so that a route without a user does not compile.
 */
export interface SocketContext {
  readonly var: { readonly user: User; readonly requestId: string; readonly rooms: ServerRooms };
  readonly req: {
    header(name: string): string | undefined;
    readonly url: string;
    readonly raw: Request;
  };
}

/** The response of a route that upgrades; `ws` gives the route a `$ws` in `hc<App>()`. */
export type UpgradeResponse = Response & TypedResponse<Record<never, never>, 101, "ws">;

const upgrades = new WeakSet<object>();

/** True for handlers that `upgradeWebSocket` made. */
export function isUpgrade(handler: unknown): boolean {
  return typeof handler === "function" && upgrades.has(handler);
}

/**
 * Makes the last handler of a socket's route: answers with an open socket for the verified user,
 * whose events go to the handlers that `createEvents` returns. Steps come in the order of
 * docs/protocol.md, section 2: handshake, origin, address, capacity.
 *
 * Refuses with 400 `expected_websocket` or `invalid_request`, 403 `forbidden`, 426
 * `unsupported_websocket_version`, 429 `too_many_connections`, 503 `overloaded`. Does not compile
 * behind no `provideUser`.
 *
 * @throws {RangeError} naming the option, if a limit is out of its range
 *
 * @example
 * endpoint().get("/:board", authenticate, upgradeWebSocket((_c, { param }) => ({
 *   onOpen: (socket) => void socket.sendJson({ board: param.board, player: socket.user.id }),
 * }), { param: z.object({ board: z.string() }) }));
 */
export function upgradeWebSocket<Param extends $ZodType = $ZodType, Query extends $ZodType = $ZodType>(
  createEvents: (
    c: SocketContext,
    address: ValidAddress<Param, Query>,
  ) => SocketHandlers | Promise<SocketHandlers>,
  options: UpgradeOptions & AddressSchemas<Param, Query> = {},
): (c: SocketContext) => Promise<UpgradeResponse> {
  const { param, query, ...rest } = options;
  checkSocketLimits(rest);
  async function upgrade(c: Context<AppEnv & UserEnv>): Promise<UpgradeResponse> {
    // A socket for many rooms joins rooms only.
    if (c.env.join) throw new RequestProblem("not_found");
    checkHandshake(c as unknown as Context<AppEnv>);
    const address = {
      param: param && await parsePart("param", param, c.req.param()),
      query: query && await parsePart("query", query, c.req.query()),
    } as ValidAddress<Param, Query>;
    const { now, tokenWatch, rooms: { limits } } = c.env.deps;
    const handlers = watchToken(await createEvents(c, address), rest.closeAtExpiry ?? true, tokenWatch);
    if (rest.ownFrameLimit) return requestUpgrade(c, handlers, rest);
    const perSecond = rest.framesPerSecond ?? limits.frames_per_second;
    const burst = rest.framesBurst ?? limits.frames_burst;
    return requestUpgrade(c, limitFrames(handlers, { perSecond, burst, now }), rest);
  }
  upgrades.add(upgrade);
  // Hono calls the handler with its own context, which has more than the type says.
  return upgrade as unknown as (c: SocketContext) => Promise<UpgradeResponse>;
}

async function parsePart(target: "param" | "query", schema: $ZodType, value: unknown): Promise<unknown> {
  const parsed = await parseSchema(schema, value);
  if (parsed.issue) throw invalidPart(target, parsed.issue);
  return parsed.value;
}

/**
 * Asks for an upgrade. The upgrade itself is performed when all middleware is complete (see
 * createRequestHandler): until then the response is a stand-in with status 101, whose headers
 * middleware may change. If a middleware answers otherwise, no socket was ever opened.
 * @throws {RequestProblem} 503 `overloaded`, 429 `too_many_connections`
 */
export function requestUpgrade<E extends AppEnv & UserEnv, P extends string, I extends Input>(
  c: Context<E, P, I>,
  handlers: SocketHandlers,
  options: UpgradeOptions = {},
): UpgradeResponse {
  const user = c.get("user");
  const { deps } = c.env;
  const refusal = deps.connections.refusal(user.id);
  if (refusal) throw new RequestProblem(refusal);
  c.env.upgrade = {
    requestId: c.get("requestId"),
    user,
    route: routePath(c as unknown as Context<Env>),
    handlers,
    subprotocols: options.subprotocols ?? [REALTIME_V1],
    ownHeartbeat: options.ownHeartbeat ?? false,
    ...options.maxFrameBytes === undefined ? {} : { maxFrameBytes: options.maxFrameBytes },
    queuedFrames: Math.max(deps.limits.maxQueuedFrames, options.queuedFrames ?? 0),
  };
  return new Response(null, { status: 101 }) as UpgradeResponse;
}
