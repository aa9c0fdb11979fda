/// <reference lib="dom" />
import type { TokenSource } from "../../client/mod.ts";

/** Answer of `/dev/issuer` (dev/dev_routes.ts). */
export interface DevIssuer {
  /** False if the dev server trusts a Supabase project, which issues the tokens. */
  readonly issuesTokens: boolean;
  /** User names to offer. */
  readonly users: readonly string[];
}

/**
 * Asks the dev server for its issuer.
 * @throws {TypeError} when it does not answer
 */
export async function readDevIssuer(): Promise<DevIssuer> {
  const response = await fetch("/dev/issuer");
  return await response.json();
}

/**
 * Gets a user's tokens from the dev server. Caches the token until a refresh, as a signed-in
 * session does, so that a reconnect needs no request.
 */
export function devTokens(user: string, get: typeof fetch): TokenSource {
  let cached: string | undefined;
  return async ({ refresh }) => {
    if (cached !== undefined && !refresh) return cached;
    const response = await get(`/dev/token?user=${encodeURIComponent(user)}`, { cache: "no-store" });
    if (!response.ok) throw new Error(`The dev server answered /dev/token with status ${response.status}.`);
    cached = await response.text();
    return cached;
  };
}

/** Uses a pasted token. Cannot refresh it: the room closes, and the page asks for another one. */
export function pastedToken(token: string): TokenSource {
  return ({ refresh }) => (refresh ? null : token);
}
