import type { IsSecretKey } from "./auth/secret_keys.ts";
import type { User } from "./auth/user.ts";
import type { Verifier } from "./auth/verification.ts";
import type { RoomsOfIsolate } from "./late_rooms.ts";
import type { Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import type { Authorize } from "./rooms/authorize.ts";
import type { PendingUpgrade, UpgradeServices } from "./socket/handshake.ts";

/** Something outside the function that it needs; asked by `GET /realtime/health/ready`. */
export interface Dependency {
  readonly name: string;
  /** Resolves when the dependency can be used, rejects when it cannot. */
  check(): Promise<void>;
}

/** What the app is given to work with; `c.var.services`. Tests give their own. */
export interface Services extends UpgradeServices {
  readonly verifier: Verifier;
  /** Knows the project's secret keys. */
  readonly isSecretKey: IsSecretKey;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Who may do what in a room. */
  readonly authorize: Authorize;
  readonly rooms: RoomsOfIsolate;
  /** `*`, or the origins of pages that may connect. */
  readonly allowedOrigins: readonly string[];
  readonly dependencies: readonly Dependency[];
}

/** What a request brings beside itself; `c.env`. Made by createHandler for every request. */
export interface RequestBindings {
  /** Address of the peer; `getConnInfo` of hono/deno reads it here. */
  readonly remoteAddr?: Deno.Addr;
  /** The token, taken off the address before any middleware could log it. */
  readonly token: string | undefined;
  /** Set by a route that wants the request upgraded; performed after all middleware is through. */
  upgrade: PendingUpgrade | undefined;
}

/** The environment of the app and of every endpoint in it. */
export interface AppEnv {
  Bindings: RequestBindings;
  Variables: {
    services: Services;
    /** Unique for each request; in the response as `x-request-id`, and in the logs. */
    requestId: string;
    /** Set by `authenticate`; undefined before it ran, and never undefined in what stacks it. */
    user?: User;
  };
}

/** What `authenticate` adds to the environment of the routes behind it. */
export interface AuthenticatedEnv {
  Variables: { user: User };
}
