import type { JWTPayload } from "jose";

/**
 * Verified user of a request or socket, as `c.var.user` and `socket.user`. Its fields come from the
 * token's claims.
 */
export interface User {
  /** Id of the user: the `sub` claim, or `ROLE:UUID` for one connection of an API key. */
  readonly id: string;
  /** Postgres role: `authenticated` for a signed-in user, `anon` for a token without `role`. */
  readonly role: string;
  /** Undefined for users without an email address (anonymous, phone). */
  readonly email: string | undefined;
  /** True after `signInAnonymously`. */
  readonly isAnonymous: boolean;
  /** Set by the project only: safe for permissions. */
  readonly appMetadata: Readonly<Record<string, unknown>>;
  /** Set by the user: never safe for permissions. */
  readonly userMetadata: Readonly<Record<string, unknown>>;
  /** Auth session of the token. */
  readonly sessionId: string | undefined;
  /** Authenticator assurance level: `aal1`, or `aal2` after a second factor. */
  readonly assuranceLevel: string | undefined;
  /**
   * OAuth client that acts for the user, in tokens that Auth's OAuth 2.1 server gives to other apps.
   * Undefined in the project's own sessions.
   */
  readonly clientId: string | undefined;
  /** Expiry of the token, in whole seconds since 1970. */
  readonly expiresAt: number;
  /** All claims of the token. */
  readonly claims: Readonly<JWTPayload>;
}

/** Senders that are no users: the project itself, and clients with a publishable key. */
export const RESERVED_SENDERS: ReadonlySet<string> = new Set(["service_role", "postgres", "anon"]);
/** Latest expiry: the end of the year 9999. JSON has numbers that are infinite in JavaScript. */
const LATEST_EXPIRY = 253_402_300_799;

/** Name of a Postgres role. */
const ROLE = /^[\w$-]{1,63}$/;
/** Id of an API key's user. No token may have such a `sub`: other users see these ids. */
const KEY_USER_ID = /^[\w$-]{1,63}:[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-[\da-f]{4}-[\da-f]{12}$/i;

/**
 * Makes a user of verified claims; undefined if `sub` or `exp` is missing, or if `sub` is a
 * reserved sender or the id of an API key's user.
 */
export function userFromClaims(claims: JWTPayload): User | undefined {
  const { sub } = claims;
  if (typeof sub !== "string" || sub === "" || RESERVED_SENDERS.has(sub) || KEY_USER_ID.test(sub)) {
    return undefined;
  }
  return createUser(sub, claims);
}

/** Makes a user, with a fresh id, of the verified claims of an API key, which has no `sub`. */
export function keyUserFromClaims(claims: JWTPayload): User | undefined {
  return isRole(claims["role"]) ? createUser(createKeyUserId(claims["role"]), claims) : undefined;
}

/** Makes the user of a key that is no token, with a fresh id: `anon`, or the project itself. */
export function createRoleUser(role: "anon" | "service_role"): User {
  const claims = { role };
  return { ...describe(claims), id: createKeyUserId(role), expiresAt: LATEST_EXPIRY, claims };
}

/** Gives an API key's user a fresh id; other users keep theirs. */
export function withFreshId(user: User): User {
  return user.claims.sub === undefined ? { ...user, id: createKeyUserId(user.role) } : user;
}

/** True for the name of a Postgres role. */
export function isRole(value: unknown): value is string {
  return typeof value === "string" && ROLE.test(value);
}

/**
 * Many connections share a key, and limits for each user must not count them as one. The UUID has
 * version 8, since issuers use others in the ids of their users.
 */
function createKeyUserId(role: string): string {
  const uuid = crypto.randomUUID();
  return `${role}:${uuid.slice(0, 14)}8${uuid.slice(15)}`;
}

function createUser(id: string, claims: JWTPayload): User | undefined {
  const { exp } = claims;
  if (typeof exp !== "number") return undefined;
  const expiresAt = Math.floor(Math.min(exp, LATEST_EXPIRY));
  return {
    ...describe(claims),
    id,
    expiresAt,
    claims: exp === expiresAt ? claims : { ...claims, exp: expiresAt },
  };
}

function describe(claims: JWTPayload): Omit<User, "id" | "expiresAt" | "claims"> {
  const { role, email, is_anonymous, app_metadata, user_metadata, session_id, aal, client_id } = claims;
  return {
    role: text(role) ?? "anon",
    email: text(email) || undefined,
    isAnonymous: is_anonymous === true,
    appMetadata: record(app_metadata),
    userMetadata: record(user_metadata),
    sessionId: text(session_id),
    assuranceLevel: text(aal),
    clientId: text(client_id) || undefined,
  };
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}
