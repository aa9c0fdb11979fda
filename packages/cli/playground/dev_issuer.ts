/// <reference lib="dom" />
import type { TokenSource } from "../../client/mod.ts";
import type { TokenChanges } from "./page_address.ts";
import { type ListedRoute, roomEndpoints } from "./room_path.ts";

/** Answer of `/dev/issuer` (dev/dev_routes.ts). */
export interface DevIssuer {
  /** False if the dev server trusts a Supabase project, which issues the tokens. */
  readonly issuesTokens: boolean;
  /** User names to offer. */
  readonly users: readonly string[];
  /** Path of the function, such as `/realtime`. */
  readonly functionPath: string;
}

/**
 * Asks the dev server for its issuer.
 * @throws {TypeError} when it does not answer
 */
export async function readDevIssuer(): Promise<DevIssuer> {
  const response = await fetch("/dev/issuer");
  return await response.json();
}

/** Asks the function for its endpoints of rooms. */
export async function readRoomEndpoints(functionPath: string): Promise<string[]> {
  const response = await fetch(functionPath);
  const { routes = [] }: { routes?: ListedRoute[] } = response.ok ? await response.json() : {};
  return roomEndpoints(routes, functionPath);
}

/**
 * Gets a user's tokens from the dev server. Caches the token until a refresh, as a signed-in
 * session does, so that a reconnect needs no request.
 */
export function devTokens(user: string, changes: TokenChanges, get: typeof fetch): TokenSource {
  const query = new URLSearchParams({ user, ...changes });
  let cached: string | undefined;
  return async ({ refresh }) => {
    if (cached !== undefined && !refresh) return cached;
    const response = await get(`/dev/token?${query}`, { cache: "no-store" });
    if (!response.ok) throw new Error(`The dev server answered /dev/token with status ${response.status}.`);
    cached = await response.text();
    return cached;
  };
}

/** Uses a pasted token. Cannot refresh it: the room closes, and the page asks for another one. */
export function pastedToken(token: string): TokenSource {
  return ({ refresh }) => (refresh ? null : token);
}
