import type { Issuer } from "./issuer.ts";

/** Publishable key of every dev server. It opens nothing else. */
export const DEV_PUBLISHABLE_KEY = "sb_publishable_dev";

const DEV_KEYS = JSON.stringify({ default: DEV_PUBLISHABLE_KEY });

/** Reads a variable of the environment. */
export type ReadVariable = (name: string) => string | undefined;

/**
 * Returns the variables that the dev server sets: the issuer's keys and the publishable key, unless
 * the environment has its own. None without an issuer, where the project has both.
 */
export function devVariables(issuer: Issuer | undefined, read: ReadVariable): Record<string, string> {
  if (!issuer) return {};
  return {
    SUPABASE_JWKS: read("SUPABASE_JWKS") || JSON.stringify(issuer.jwks),
    SUPABASE_PUBLISHABLE_KEYS: read("SUPABASE_PUBLISHABLE_KEYS") || DEV_KEYS,
  };
}

/** Returns the dev server's key if these are its keys, and not those of the environment. */
export function devKeyIn(publishableKeys: string | undefined): string | undefined {
  return publishableKeys === DEV_KEYS ? DEV_PUBLISHABLE_KEY : undefined;
}
