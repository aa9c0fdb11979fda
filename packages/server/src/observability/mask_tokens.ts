/** Matches API keys, tickets, JSON Web Tokens and their beginnings (base64url of `{"`). */
const TOKEN_LIKE = /eyJ[\w-]{5,}(\.[\w-]*){0,2}|(sb_secret|sb_publishable|rt_ticket)_[\w-]+/g;

/** Replaces everything that looks like a token. */
export function maskTokens(text: string): string {
  return text.replace(TOKEN_LIKE, "[token]");
}
