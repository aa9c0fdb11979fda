import type { IsSecretKey } from "../auth/secret_keys.ts";
import type { User } from "../auth/user.ts";
import type { ErrorCode } from "../../../protocol/error_codes.ts";
import type { Verifier } from "../auth/verification.ts";
import type { Log } from "../observability/log.ts";
import type { RefusalLog } from "../observability/refusal_log.ts";
import type { Metrics } from "../observability/metrics.ts";
import type { Evictions } from "../rooms/eviction/evictions.ts";
import type { JoinRequest } from "../rooms/join_request.ts";
import type { Rooms } from "../rooms/lazy_rooms.ts";
import type { Authorize } from "../rooms/policy/authorize.ts";
import type { ServerRooms } from "../rooms/server_code/server_rooms.ts";
import type { RequestRates } from "../socket/request_rates.ts";
import type { TokenWatchDeps } from "../socket/watch_token.ts";
import type { PendingUpgrade, UpgradeDeps } from "../socket/handshake.ts";
import type { Tickets } from "./tickets/tickets.ts";

/** An outside system that the server needs; `GET /realtime/health/ready` checks it. */
export interface Dependency {
  readonly name: string;
  /** Resolves when the dependency can be used, rejects when it cannot. */
  check(): Promise<void>;
}

/** The parts that middleware and routes work with; they travel in the request's bindings. */
export interface Deps extends UpgradeDeps {
  readonly verifier: Verifier;
  /** Verifies API keys of Supabase. Accepts all tokens that `verifier` accepts, too. */
  readonly keys: Verifier;
  readonly tickets: Pick<Tickets, "issue" | "redeem">;
  /** Recognizes the project's secret keys. */
  readonly isSecretKey: IsSecretKey;
  readonly log: Log;
  readonly metrics: Metrics;
  /** The deployment's room policy (`ROOM_POLICY`). */
  readonly authorize: Authorize;
  readonly rooms: Rooms;
  /** The rooms for code of the function: `c.var.rooms`. */
  readonly serverRooms: ServerRooms;
  /** Ends members and connections on every isolate. */
  readonly evictions: Pick<Evictions, "kick" | "disconnect">;
  readonly tokenWatch: TokenWatchDeps;
  /** `*`, or the origins of pages that may connect. */
  readonly allowedOrigins: readonly string[];
  readonly dependencies: readonly Dependency[];
  readonly rates: RequestRates;
  /** Logs requests that were refused before they had a user. */
  readonly refusalLog: RefusalLog;
  /** Random number from 0 to below 1. */
  readonly random: () => number;
}

/** A join over a socket for many rooms, which is a request to the room's own address. */
export interface PendingJoin {
  /** Set by the room's route: the user is admitted. */
  request: JoinRequest | undefined;
}

/** A token of a request, with the user that it was verified for. */
export interface VerifiedToken {
  readonly token: string;
  readonly user: User;
}

/**
 * Values that accompany a request, as `c.env`. The request handler makes them for every request.
 */
export interface RequestBindings {
  /** Address of the peer; `getConnInfo` of hono/deno reads it here. */
  readonly remoteAddr?: Deno.Addr | undefined;
  readonly deps: Deps;
  /** The token of the query, taken off the address before any middleware could log it. */
  readonly queryToken: string | undefined;
  /** The ticket of the query, taken off the address too. */
  readonly queryTicket: string | undefined;
  /** The API key of the query (`apikey`), taken off the address too. */
  readonly queryApiKey: string | undefined;
  /** Answers a request through the app, for joins over a socket for many rooms. */
  readonly dispatch: (request: Request, bindings: RequestBindings) => Promise<Response>;
  /** Set by `verifyUser`. A join over a socket for many rooms begins with that of its upgrade. */
  verified: VerifiedToken | undefined;
  /** Set if the request is such a join; nothing is upgraded then. */
  readonly join: PendingJoin | undefined;
  /** Set by a route that asks for an upgrade; performed after all middleware is complete. */
  upgrade: PendingUpgrade | undefined;
}

/** The environment of the app and of every endpoint in it. */
export interface AppEnv {
  Bindings: RequestBindings;
  Variables: {
    /** Unique for each request; in the response as `x-request-id`, and in the logs. */
    requestId: string;
    /** Rooms of the deployment: publish, read, and see who is present, from any route. */
    rooms: ServerRooms;
    /** Set by middleware made with `provideUser`. */
    user?: User;
    /** True if the request presented a secret key of the project. */
    hasSecretKey?: boolean;
    /** Code of a refusal that was answered with status 200, as an event stream. */
    refusal?: ErrorCode;
    /** True for routes that answer with an event stream. */
    isEventStream?: boolean;
  };
}

/** The environment of routes behind `provideUser`: the user is never undefined. */
export interface UserEnv {
  Variables: { user: User };
}
