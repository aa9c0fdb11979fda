import type { AuthError, SupabaseClient, User as AuthUser } from "@supabase/supabase-js";
import type { JWTPayload } from "jose";
import { decodeJwt } from "jose/jwt/decode";
import { type ClaimRules, refusedByRules, refusedForClaim } from "./claim_rules.ts";
import { userFromClaims } from "./user.ts";
import { refused, unavailable, type Verification, type Verifier } from "./verification.ts";

/** Options of `createRemoteVerifier`. */
export interface RemoteVerifierOptions {
  /** Address of the project. */
  readonly supabaseUrl: string;
  /** Publishable (or legacy anon) key: identifies the project, grants nothing. */
  readonly apiKey: string;
  /** Time after which Auth counts as unreachable. */
  readonly timeoutMs: number;
  readonly rules: ClaimRules;
  readonly fetch: typeof fetch;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

const CANNOT_ASK = "Supabase Auth cannot be reached right now. Retry later.";

/**
 * Creates a verifier that asks `supabase.auth.getUser(token)`. It refuses tokens of sessions that
 * ended early. Each verification costs a round trip.
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
          ? refused("invalid_token", "Supabase Auth does not accept the token. Sign in again.")
          : unavailable(CANNOT_ASK, error);
      }
      // getUser returns any JSON of a 200 response. Auth itself always names the user.
      if (!data.user.id) {
        return unavailable(CANNOT_ASK, new Error("The response of Supabase Auth contains no user id"));
      }
      return verified(data.user, claims);
    } catch (error) {
      // getUser returns the errors of Auth, and throws if there is no response.
      return unavailable(CANNOT_ASK, error);
    }
  }

  return {
    async verify(token) {
      const claims = readClaims(token);
      if (!claims) {
        return refused("invalid_token", "The token is not a JSON Web Token. Use the session's access_token.");
      }
      return refusedByRules(claims, options.rules, options.now()) ?? await askAuth(token, claims);
    },
  };
}

/**
 * Tells refusals of the token from those of our API key. Refusals by Auth contain a code; older
 * releases have none, but mention the token. The gateway in front of Auth answers 401 to a wrong
 * API key, which must not sign out every user.
 */
function isAboutTheToken({ status, code, message }: AuthError): boolean {
  if (status !== 400 && status !== 401 && status !== 403 && status !== 404) return false;
  return code !== undefined || !/api key|authentication credentials/i.test(message);
}

/** Makes the user of Auth's answer, with the session's claims from the token that Auth verified. */
function verified(answer: AuthUser, claims: JWTPayload): Verification {
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
