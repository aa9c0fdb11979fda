import type { User } from "./user.ts";

/** Why a token was not accepted; each is a code of protocol/errors.ts. */
export type RefusalCode = "invalid_token" | "token_expired" | "auth_unavailable";

/** What became of a token. `detail` may be shown to the client: it never holds any part of the token. */
export type Verification =
  | { readonly ok: true; readonly user: User }
  | { readonly ok: false; readonly code: RefusalCode; readonly detail: string };

/** Decides whether a token is good, and whose it is. Never throws for a bad token or an unreachable service. */
export interface Verifier {
  verify(token: string): Promise<Verification>;
}

/** A refused verification. */
export function refused(code: RefusalCode, detail: string): Verification & { readonly ok: false } {
  return { ok: false, code, detail };
}
