import { AuthGate } from "../auth/auth_gate.ts";
import { createAuthProbe } from "../auth/auth_probe.ts";
import { type ClaimRules, rulesForKeys, rulesForUsers } from "../auth/claim_rules.ts";
import { createInlineKeySet, createSecretKeySet, type KeySet, KeySetUnavailable } from "../auth/key_set.ts";
import { createLocalVerifier } from "../auth/local_verifier.ts";
import { createRemoteKeySet, type RemoteKeySet } from "../auth/remote_key_set.ts";
import { createRemoteVerifier, type RemoteVerifierOptions } from "../auth/remote_verifier.ts";
import { createKeyVerifier } from "../auth/key_verifier.ts";
import { createKeyCheck, type IsSecretKey } from "../auth/secret_keys.ts";
import type { TokenCheck } from "../auth/session_watch.ts";
import type { Verifier } from "../auth/verification.ts";
import { createVerifier, type VerifierOptions } from "../auth/verifier.ts";
import { preciseClock, wallClock } from "../clocks.ts";
import { authApiKey, cacheSeconds, inlineKeys } from "../config/parse_config.ts";
import type { Config } from "../config/variables.ts";
import type { Dependency } from "../http/context.ts";

/** The verifiers that the configuration selects. */
export interface Auth {
  readonly verifier: Verifier & TokenCheck;
  /** Verifies API keys of Supabase, and all tokens that `verifier` accepts. */
  readonly keys: Verifier;
  readonly isSecretKey: IsSecretKey;
  /** Checks what new tokens need to be verified. */
  readonly dependency: Dependency;
}

/** Creates the verifiers that the configuration selects. */
export function createAuth(config: Config): Auth {
  const rules: ClaimRules = {
    audiences: config.AUTH_AUDIENCE,
    issuer: config.AUTH_ISSUER,
    clockSkewSeconds: config.AUTH_CLOCK_SKEW_SECONDS,
  };
  const auth = authAccess(config);
  const probe = auth && createAuthProbe({ ...auth, fetch, now: preciseClock });
  const isLocal = config.AUTH_POLICY === "local";
  const inline = givenKeys(config);
  const fetched = projectKeys(config);
  const keySets = [...inline, ...(fetched ? [fetched] : [])];
  const cache: Omit<VerifierOptions, "local" | "remote"> = {
    cacheEntries: config.AUTH_CACHE_ENTRIES,
    cacheMaxAgeMs: cacheSeconds(config) * 1000,
    now: preciseClock,
    wallNow: wallClock,
  };
  const verifier = createVerifier({
    ...cache,
    local: isLocal ? createLocalVerifier(keySets, rulesForUsers(rules), wallClock) : undefined,
    remote: auth && createRemoteVerifier({ ...auth, rules, gate: createGate(config), wallNow: wallClock }),
  });
  const isSecretKey = createProjectKeyCheck(config);
  return {
    verifier,
    keys: createKeyVerifier({
      users: verifier,
      keys: createVerifier({
        ...cache,
        // Auth knows sessions only: keys have none.
        local: createLocalVerifier(keySets, rulesForKeys(rules), wallClock),
        remote: undefined,
      }),
      isLocal,
      isSecretKey,
      publishableKeys: Object.values(config.SUPABASE_PUBLISHABLE_KEYS ?? {}),
      anonKey: config.SUPABASE_ANON_KEY,
      clockSkewSeconds: config.AUTH_CLOCK_SKEW_SECONDS,
      wallNow: wallClock,
    }),
    isSecretKey,
    dependency: isLocal
      ? { name: "auth_keys", check: () => checkKeys(inline, fetched, probe) }
      : { name: "auth", check: () => checkKeys([], undefined, probe) },
  };
}

function createGate(config: Config): AuthGate {
  return new AuthGate({
    requests: config.AUTH_REQUESTS,
    maxWaitMs: config.AUTH_TIMEOUT_MS,
    refusalEntries: config.AUTH_CACHE_ENTRIES,
    refusalMs: config.AUTH_REFUSAL_SECONDS * 1000,
    fetch,
    now: preciseClock,
  });
}

/** Keys and secrets that are given in the environment. */
function givenKeys(config: Config): KeySet[] {
  const keys = inlineKeys(config);
  return [
    ...(keys ? [createInlineKeySet(keys)] : []),
    ...(config.AUTH_JWT_SECRET ? [createSecretKeySet(config.AUTH_JWT_SECRET)] : []),
  ];
}

/** Key set at the project's address. It is fetched for the first token that no given key fits. */
function projectKeys(config: Config): RemoteKeySet | undefined {
  if (!config.SUPABASE_URL) return undefined;
  return createRemoteKeySet({
    url: `${config.SUPABASE_URL}/auth/v1/.well-known/jwks.json`,
    cooldownMs: config.JWKS_COOLDOWN_SECONDS * 1000,
    maxAgeMs: config.JWKS_MAX_AGE_SECONDS * 1000,
    timeoutMs: config.AUTH_TIMEOUT_MS,
    fetch,
    now: preciseClock,
  });
}

/** Address of Auth and the key to ask it with; undefined without one of them. */
function authAccess(
  config: Config,
): Pick<RemoteVerifierOptions, "supabaseUrl" | "apiKey" | "timeoutMs"> | undefined {
  const apiKey = authApiKey(config);
  if (!config.SUPABASE_URL || !apiKey) return undefined;
  return { supabaseUrl: config.SUPABASE_URL, apiKey, timeoutMs: config.AUTH_TIMEOUT_MS };
}

/**
 * Resolves if tokens can be verified: with given keys, else with fetched ones, else by Auth. A
 * project that signs with a legacy secret may have no key set to fetch.
 */
async function checkKeys(
  given: readonly KeySet[],
  fetched: RemoteKeySet | undefined,
  probe: (() => Promise<void>) | undefined,
): Promise<void> {
  if (given.length > 0) return;
  try {
    if (fetched) return await fetched.ready();
  } catch (error) {
    if (!probe || !(error instanceof KeySetUnavailable && error.isFirst)) throw error;
  }
  await probe?.();
}

/** Creates the check for the project's secret keys. */
function createProjectKeyCheck(config: Config): IsSecretKey {
  const legacy = config.SUPABASE_SERVICE_ROLE_KEY;
  return createKeyCheck([
    ...Object.values(config.SUPABASE_SECRET_KEYS ?? {}),
    ...(legacy === undefined ? [] : [legacy]),
  ].filter((key) => key !== ""));
}
