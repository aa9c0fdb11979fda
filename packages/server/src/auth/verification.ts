import type { User } from "./user.ts";

/** Why a token was not accepted; each is a code of protocol/errors.ts. */
export type RefusalCode = "invalid_token" | "token_expired" | "auth_unavailable";

/** What became of a token. `detail` may be shown to the client: it never holds any part of the token. */
export type Verification =
  | { readonly ok: true; readonly user: User }
  | Refusal;

/** A token that is not accepted, or not now. */
export interface Refusal {
  readonly ok: false;
  readonly code: RefusalCode;
  readonly detail: string;
  /** What failed underneath, for the log; set with `auth_unavailable`. */
  readonly cause?: unknown;
}

/** Decides whether a token is good, and whose it is. Never throws for a bad token or an unreachable service. */
export interface Verifier {
  verify(token: string): Promise<Verification>;
}

/** The refusal of a token. */
export function refused(code: Exclude<RefusalCode, "auth_unavailable">, detail: string): Refusal {
  return { ok: false, code, detail };
}

/** The answer while nothing can be said about a token. */
export function unavailable(detail: string, cause: unknown): Refusal {
  return { ok: false, code: "auth_unavailable", detail, cause };
}
