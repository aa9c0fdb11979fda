import type { ClaimRules } from "../auth/claim_rules.ts";
import { createInlineKeySet, createSecretKeySet, type KeySet } from "../auth/key_set.ts";
import { createLocalVerifier } from "../auth/local_verifier.ts";
import { createRemoteKeySet, type RemoteKeySet } from "../auth/remote_key_set.ts";
import { createRemoteVerifier } from "../auth/remote_verifier.ts";
import { createSecretKeyCheck, type IsSecretKey } from "../auth/secret_keys.ts";
import type { Verifier } from "../auth/verification.ts";
import { createVerifier } from "../auth/verifier.ts";
import { authApiKey } from "../config/parse_config.ts";
import type { Config } from "../config/variables.ts";

/**
 * Creates the key set of the project's URL; undefined if keys are inline or Auth verifies tokens.
 */
export function createProjectKeySet(config: Config): RemoteKeySet | undefined {
  if (config.AUTH_POLICY === "remote" || config.SUPABASE_JWKS || !config.SUPABASE_URL) return undefined;
  return createRemoteKeySet({
    url: `${config.SUPABASE_URL}/auth/v1/.well-known/jwks.json`,
    cooldownMs: config.JWKS_COOLDOWN_SECONDS * 1000,
    maxAgeMs: config.JWKS_MAX_AGE_SECONDS * 1000,
    timeoutMs: config.AUTH_TIMEOUT_MS,
    fetch,
    now: () => performance.now(),
  });
}

/** Creates the token verifier that the configuration selects. */
export function createAuth(config: Config, remoteKeys: KeySet | undefined): Verifier {
  const rules: ClaimRules = {
    audiences: config.AUTH_AUDIENCE,
    issuer: config.AUTH_ISSUER,
    clockSkewSeconds: config.AUTH_CLOCK_SKEW_SECONDS,
  };
  const keySets = [
    ...(config.SUPABASE_JWKS ? [createInlineKeySet(config.SUPABASE_JWKS)] : []),
    ...(config.AUTH_JWT_SECRET ? [createSecretKeySet(config.AUTH_JWT_SECRET)] : []),
    ...(remoteKeys ? [remoteKeys] : []),
  ];
  const apiKey = authApiKey(config);
  return createVerifier({
    local: config.AUTH_POLICY === "local" ? createLocalVerifier(keySets, rules, Date.now) : undefined,
    remote: config.SUPABASE_URL && apiKey
      ? createRemoteVerifier({
        supabaseUrl: config.SUPABASE_URL,
        apiKey,
        timeoutMs: config.AUTH_TIMEOUT_MS,
        rules,
        fetch,
        now: Date.now,
      })
      : undefined,
    cacheEntries: config.AUTH_CACHE_ENTRIES,
    cacheMaxAgeMs: config.AUTH_CACHE_SECONDS * 1000,
    now: Date.now,
  });
}

/** Creates the check for the project's secret keys. */
export function createProjectKeyCheck(config: Config): IsSecretKey {
  const legacy = config.SUPABASE_SERVICE_ROLE_KEY;
  return createSecretKeyCheck([
    ...Object.values(config.SUPABASE_SECRET_KEYS ?? {}),
    ...(legacy === undefined ? [] : [legacy]),
  ].filter((key) => key !== ""));
}
