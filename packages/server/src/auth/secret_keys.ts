/** Returns true for one of the project's secret keys. */
export type IsSecretKey = (presented: string) => boolean;

/** Creates the check. It takes the same time for any wrong key, so it leaks no part of a key. */
export function createSecretKeyCheck(keys: readonly string[]): IsSecretKey {
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
