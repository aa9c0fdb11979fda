import type { User } from "./user.ts";

/** Error code of a refused token; see packages/protocol/error_codes.ts. */
export type RefusalCode = "invalid_token" | "token_expired" | "auth_unavailable";

/** Result of a verification. */
export type Verification =
  | { readonly ok: true; readonly user: User }
  | Refusal;

/** Refusal of a token, for good or for now. */
export interface Refusal {
  readonly ok: false;
  readonly code: RefusalCode;
  /** Text for the client; never contains any part of the token. */
  readonly detail: string;
  /**
   * Underlying failure, for the log; undefined with `auth_unavailable` if nothing was requested.
   */
  readonly cause?: unknown;
  /** Time after which the token can be judged, in milliseconds; the code's own wait by default. */
  readonly retryAfterMs?: number;
  /** True if no local key can judge the token. Where Auth can be asked, its answer counts. */
  readonly isForAuth?: true;
}

/** Verifies tokens. Never throws for a bad token or an unreachable service. */
export interface Verifier {
  verify(token: string): Promise<Verification>;
}

/** Refuses a token for good. */
export function refused(code: Exclude<RefusalCode, "auth_unavailable">, detail: string): Refusal {
  return { ok: false, code, detail };
}

/** Refuses text that is not a token. */
export function refusedAsMalformed(): Refusal {
  return refused("invalid_token", "The token is not a JSON Web Token. Use the session's access_token.");
}

/** Refuses a token for now, because it cannot be verified. */
export function unavailable(detail: string, cause: unknown, retryAfterMs?: number): Refusal {
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs: Math.ceil(retryAfterMs) };
  return { ok: false, code: "auth_unavailable", detail, cause, ...wait };
}
