import type { JWTPayload } from "jose";

/**
 * Verified user of a request or socket, as `c.var.user` and `socket.user`. Its fields come from the
 * token's claims.
 */
export interface User {
  /** Id of the user: the `sub` claim. */
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

/** Senders of the project: messages over HTTP with a secret key, and from SQL. */
const PROJECT_SENDERS: ReadonlySet<string> = new Set(["service_role", "postgres"]);
/** Latest expiry: the end of the year 9999. JSON has numbers that are infinite in JavaScript. */
const LATEST_EXPIRY = 253_402_300_799;

/**
 * Makes a user of verified claims; undefined if `sub` or `exp` is missing, or if `sub` is the name
 * of a sender of the project.
 */
export function userFromClaims(claims: JWTPayload): User | undefined {
  const { sub, exp, role, email, is_anonymous, app_metadata, user_metadata, session_id, aal, client_id } =
    claims;
  if (typeof sub !== "string" || sub === "" || typeof exp !== "number") return undefined;
  if (PROJECT_SENDERS.has(sub)) return undefined;
  const expiresAt = Math.floor(Math.min(exp, LATEST_EXPIRY));
  return {
    id: sub,
    role: text(role) ?? "anon",
    email: text(email) || undefined,
    isAnonymous: is_anonymous === true,
    appMetadata: record(app_metadata),
    userMetadata: record(user_metadata),
    sessionId: text(session_id),
    assuranceLevel: text(aal),
    clientId: text(client_id) || undefined,
    expiresAt,
    claims: exp === expiresAt ? claims : { ...claims, exp: expiresAt },
  };
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}
