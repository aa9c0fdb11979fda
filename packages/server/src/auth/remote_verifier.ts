import type { AuthError, SupabaseClient, User as AuthUser } from "@supabase/supabase-js";
import type { JWTPayload } from "jose";
import { decodeJwt } from "jose/jwt/decode";
import { type ClaimRules, refusedByRules, refusedForClaim } from "./claim_rules.ts";
import { userFromClaims } from "./user.ts";
import { refused, unavailable, type Verification, type Verifier } from "./verification.ts";

/** How Supabase Auth is asked. */
export interface RemoteVerifierOptions {
  /** The project's address. */
  readonly supabaseUrl: string;
  /** A publishable (or legacy anon) key; it identifies the project, it grants nothing. */
  readonly apiKey: string;
  /** Auth is unreachable when it takes longer. */
  readonly timeoutMs: number;
  readonly rules: ClaimRules;
  readonly fetch: typeof fetch;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

const CANNOT_ASK = "Supabase Auth cannot be asked right now.";

/**
 * Creates a verifier that lets `supabase.auth.getUser(token)` decide. It sees sessions that were ended before their
 * token expired, at the price of a round trip.
 */
export function createRemoteVerifier(options: RemoteVerifierOptions): Verifier {
  let client: SupabaseClient | undefined;

  /** supabase-js costs 25 ms of CPU to import: a deployment that verifies locally never pays it. */
  async function createAuthClient(): Promise<SupabaseClient> {
    const { createClient } = await import("@supabase/supabase-js");
    return createClient(options.supabaseUrl, options.apiKey, {
      auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
      global: {
        fetch: (input, init) =>
          options.fetch(input, { ...init, signal: AbortSignal.timeout(options.timeoutMs) }),
      },
    });
  }

  async function askAuth(token: string, claims: JWTPayload): Promise<Verification> {
    try {
      client ??= await createAuthClient();
      const { data, error } = await client.auth.getUser(token);
      if (error) {
        return isAboutTheToken(error)
          ? refused("invalid_token", "Supabase Auth does not accept the token.")
          : unavailable(CANNOT_ASK, error);
      }
      // getUser hands on whatever JSON came with a 200; what names no user is not from Auth.
      if (!data.user.id) return unavailable(CANNOT_ASK, new Error("The answer names no user"));
      return vouchedFor(data.user, claims);
    } catch (error) {
      // getUser returns what Auth answers and throws for what is not an answer.
      return unavailable(CANNOT_ASK, error);
    }
  }

  return {
    async verify(token) {
      const claims = readClaims(token);
      if (!claims) return refused("invalid_token", "The token is not a JSON Web Token.");
      return refusedByRules(claims, options.rules, options.now()) ?? await askAuth(token, claims);
    },
  };
}

/**
 * Auth's own refusals carry a code (older releases: none, but then words of the token). The gateway in front of it answers 401
 * as well when it does not know our API key; that must not tell every user to sign in again.
 */
function isAboutTheToken({ status, code, message }: AuthError): boolean {
  if (status !== 400 && status !== 401 && status !== 403 && status !== 404) return false;
  return code !== undefined || !/api key|authentication credentials/i.test(message);
}

/** Who it is, Auth has said; the session's claims are read from the token that Auth has vouched for. */
function vouchedFor(answer: AuthUser, claims: JWTPayload): Verification {
  const user = userFromClaims({ ...claims, sub: answer.id });
  if (!user) return refusedForClaim("sub");
  return {
    ok: true,
    user: {
      ...user,
      role: answer.role || user.role,
      email: answer.email || undefined,
      isAnonymous: answer.is_anonymous ?? user.isAnonymous,
      appMetadata: answer.app_metadata,
      userMetadata: answer.user_metadata,
    },
  };
}

function readClaims(token: string): JWTPayload | undefined {
  try {
    return decodeJwt(token);
  } catch {
    return undefined;
  }
}
