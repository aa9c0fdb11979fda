/** Returns true for one of the project's secret keys. */
export type IsSecretKey = (presented: string) => boolean;

/** Prefix of Supabase's secret keys. */
export const SECRET_KEY_PREFIX = "sb_secret_";

/**
 * Creates the check for one of `keys`. It takes the same time for any wrong key, so it leaks no
 * part of a key.
 */
export function createKeyCheck(keys: readonly string[]): (presented: string) => boolean {
  const encoder = new TextEncoder();
  const secrets = keys.map((key) => encoder.encode(key));
  return (presented) => {
    const bytes = encoder.encode(presented);
    let isOne = false;
    for (const secret of secrets) isOne = areEqual(secret, bytes) || isOne;
    return isOne;
  };
}

/** Compares every byte, even after a difference. */
function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  a.forEach((byte, at) => difference |= byte ^ (b[at] ?? 0));
  return difference === 0;
}
