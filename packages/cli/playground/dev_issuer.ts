/// <reference lib="dom" />
import type { TokenSource } from "../../client/mod.ts";

/** What the dev server says about its tokens; dev/routes.ts answers it. */
export interface DevIssuer {
  /** False: the dev server trusts a Supabase project, and tokens come from there. */
  readonly issuesTokens: boolean;
  /** Names to offer. */
  readonly users: readonly string[];
}

/** Asks the dev server whether it has tokens. @throws {TypeError} when it does not answer */
export async function readDevIssuer(): Promise<DevIssuer> {
  const response = await fetch("/dev/issuer");
  return await response.json();
}

/**
 * Tokens of the dev server for a user. Like a signed-in session it keeps one and gets a fresh one only when asked to, so that
 * connecting again needs no request more.
 */
export function devTokens(user: string, get: typeof fetch): TokenSource {
  let kept: string | undefined;
  return async ({ refresh }) => {
    if (kept !== undefined && !refresh) return kept;
    const response = await get(`/dev/token?user=${encodeURIComponent(user)}`, { cache: "no-store" });
    if (!response.ok) throw new Error(`The dev server answered with ${response.status}.`);
    kept = (await response.text()).trim();
    return kept;
  };
}

/** A token that was pasted. There is no fresher one: when it is refused the room closes, and another is asked for. */
export function pastedToken(token: string): TokenSource {
  return ({ refresh }) => (refresh ? null : token);
}
