import type { WallClock } from "../clocks.ts";
import type { AuthError, SupabaseClient } from "@supabase/supabase-js";
import type { JWTPayload } from "jose";
import { decodeJwt } from "jose/jwt/decode";
import type { AuthGate } from "./auth_gate.ts";
import { acceptedClaims, type ClaimRules, refusedByRules } from "./claim_rules.ts";
import {
  refused,
  refusedAsMalformed,
  unavailable,
  type Verification,
  type Verifier,
} from "./verification.ts";

/** Options of `createRemoteVerifier`. */
export interface RemoteVerifierOptions {
  /** Address of the project. */
  readonly supabaseUrl: string;
  /** Publishable (or legacy anon) key: identifies the project, grants nothing. */
  readonly apiKey: string;
  /** Time after which Auth counts as unreachable. */
  readonly timeoutMs: number;
  readonly rules: ClaimRules;
  /** Bounds the requests, and makes them. */
  readonly gate: AuthGate;
  readonly wallNow: WallClock;
}

const CANNOT_ASK = "Supabase Auth cannot be reached right now. Retry later.";

/**
 * Creates a verifier that asks `supabase.auth.getUser(token)`. It refuses tokens of sessions that
 * ended early. The user is that of the token's claims: a custom access token hook may have changed
 * them, and Auth answers with the user's row. Each verification costs a round trip.
 */
export function createRemoteVerifier(options: RemoteVerifierOptions): Verifier {
  let client: SupabaseClient | undefined;

  /** Imports supabase-js on first use: the import costs 25 ms of CPU. */
  async function createAuthClient(): Promise<SupabaseClient> {
    const { createClient } = await import("@supabase/supabase-js");
    return createClient(options.supabaseUrl, options.apiKey, {
      auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
      global: {
        fetch: (input, init) =>
          options.gate.fetch(input, { ...init, signal: AbortSignal.timeout(options.timeoutMs) }),
      },
    });
  }

  async function askAuth(token: string, claims: JWTPayload): Promise<Verification> {
    try {
      client ??= await createAuthClient();
      const { data, error } = await client.auth.getUser(token);
      if (error) {
        return isAboutTheToken(error)
          ? refused("invalid_token", "Supabase Auth does not accept the token. Sign in again.")
          : unavailable(CANNOT_ASK, error);
      }
      // getUser returns any JSON of a 200 response. Auth itself always names the token's user.
      if (data.user.id !== claims.sub) {
        return unavailable(CANNOT_ASK, new Error("Supabase Auth did not answer with the token's user"));
      }
      return acceptedClaims(claims);
    } catch (error) {
      // getUser returns the errors of Auth, and throws if there is no response.
      return unavailable(CANNOT_ASK, error);
    }
  }

  return {
    async verify(token) {
      const claims = readClaims(token);
      if (!claims) return refusedAsMalformed();
      return refusedByRules(claims, options.rules, options.wallNow()) ??
        await options.gate.verify(token, () => askAuth(token, claims));
    },
  };
}

/** Codes with which Auth refuses a token, of internal/api/auth.go and user.go in supabase/auth. */
const TOKEN_CODES: ReadonlySet<unknown> = new Set([
  "bad_jwt",
  "no_authorization",
  "session_expired",
  "session_not_found",
  "user_banned",
  "user_not_found",
  // The audience is not the one that Auth expects.
  "validation_failed",
]);

/**
 * Tells Auth's refusals of the token from all other answers: gateways and proxies refuse with the
 * same statuses, for a wrong API key or a missing route. Those must not sign out every user.
 */
function isAboutTheToken({ name, code }: AuthError): boolean {
  // supabase-js replaces `session_not_found` by an error of its own.
  return name === "AuthSessionMissingError" || TOKEN_CODES.has(code);
}

function readClaims(token: string): JWTPayload | undefined {
  try {
    return decodeJwt(token);
  } catch {
    return undefined;
  }
}
