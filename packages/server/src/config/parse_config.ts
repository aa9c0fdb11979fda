import { findUrlProblem } from "./postgres_url.ts";
import type { KeySetJson } from "./value_readers.ts";
import { type Config, ENVIRONMENT, type Variable, type VariableMeta } from "./variables.ts";

/** The configuration is wrong. The message names wrong variables, with given and allowed values. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/**
 * Parses the environment.
 * @throws {ConfigError} for wrong values, and without any key or Auth server to verify tokens
 */
export function parseConfig(read: (name: string) => string | undefined): Config {
  const values = new Map<string, unknown>();
  const complaints: string[] = [];
  for (const [name, variable] of Object.entries<Variable<unknown>>(ENVIRONMENT)) {
    // An empty value counts as unset, as `NAME=` in an .env file means it.
    const given = read(name)?.trim();
    const value = given ? variable.read(given) : variable.unset;
    if (given && value === undefined) complaints.push(complaint(name, given, variable));
    else values.set(name, value);
  }
  if (complaints.length > 0) throw new ConfigError(complaints.join("\n"));
  // The type is made of the same table, so each value has its type.
  const config = Object.fromEntries(values) as Config;
  if (!config.SUPABASE_URL && !inlineKeys(config) && !config.AUTH_JWT_SECRET) {
    throw new ConfigError(
      "There is nothing to verify tokens with. Set SUPABASE_URL (the project's address), SUPABASE_JWKS (its key set) " +
        "or AUTH_JWT_SECRET (a shared secret).",
    );
  }
  if (config.AUTH_POLICY === "remote" && !(config.SUPABASE_URL && authApiKey(config))) {
    throw new ConfigError(
      "AUTH_POLICY is remote, but Auth cannot be asked. Set SUPABASE_URL and SUPABASE_PUBLISHABLE_KEYS " +
        "(or SUPABASE_ANON_KEY), or set AUTH_POLICY to local.",
    );
  }
  const urlProblem = config.SUPABASE_DB_URL && findUrlProblem(config.SUPABASE_DB_URL);
  if (urlProblem) throw new ConfigError(urlProblem);
  if (config.BACKPLANE === "postgres" && !config.SUPABASE_DB_URL) {
    throw new ConfigError(
      "BACKPLANE is postgres, but there is no database. Set SUPABASE_DB_URL, or BACKPLANE to auto.",
    );
  }
  if (config.BACKPLANE === "redis" && !config.REDIS_URL) {
    throw new ConfigError("BACKPLANE is redis, but there is no server. Set REDIS_URL, or BACKPLANE to auto.");
  }
  if (config.ROOM_POLICY === "rls" && !config.SUPABASE_DB_URL) {
    throw new ConfigError(
      "ROOM_POLICY is rls, but there is no database to ask. Set SUPABASE_DB_URL, or ROOM_POLICY to any or claim.",
    );
  }
  return config;
}

/** Parses like `parseConfig`, but a wrong configuration ends the process, without a stack trace. */
export function parseConfigOrExit(read: (name: string) => string | undefined): Config {
  try {
    return parseConfig(read);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(
      `The configuration is wrong, so nothing was started.\n${error.message}\nSee docs/configuration.md.`,
    );
    Deno.exit(1);
  }
}

/** Returns the inline key set; undefined if it is not set, or empty. */
export function inlineKeys({ SUPABASE_JWKS }: Config): KeySetJson | undefined {
  return SUPABASE_JWKS && SUPABASE_JWKS.keys.length > 0 ? SUPABASE_JWKS : undefined;
}

/** Returns the time that a verified token is cached, in seconds. */
export function cacheSeconds({ AUTH_CACHE_SECONDS, AUTH_POLICY }: Config): number {
  return AUTH_CACHE_SECONDS ?? (AUTH_POLICY === "remote" ? 10 : 300);
}

/** Returns the API key for Auth; undefined without one. */
export function authApiKey(config: Config): string | undefined {
  const keys = new Map(Object.entries(config.SUPABASE_PUBLISHABLE_KEYS ?? {}));
  return keys.get("default") ?? [...keys.values()][0] ?? config.SUPABASE_ANON_KEY;
}

function complaint(name: string, given: string, { secret, allowed, byDefault }: VariableMeta): string {
  const shown = secret ? "given a value that is not shown" : JSON.stringify(given.slice(0, 100));
  return `${name} is ${shown}. Allowed: ${allowed}. Default: ${byDefault}.`;
}
