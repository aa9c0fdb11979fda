import { decode, encode } from "jose/base64url";

/** Order of the group of P-256, in which the signatures (r, s) and (r, ORDER - s) are equal. */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const BYTES_OF_S = 32;

/**
 * Returns the one spelling of a token that stands for all that are accepted: equal tokens then
 * share a cache entry and a request to Auth. Undefined for text that is not a JSON Web Token.
 *
 * Header and payload have one spelling only, since their text is signed. A signature has many:
 * padding, blanks, bits that encode nothing, and two values of ECDSA.
 */
export function canonicalToken(token: string): string | undefined {
  const signatureAt = token.lastIndexOf(".") + 1;
  const payloadAt = token.indexOf(".") + 1;
  if (payloadAt === 0 || payloadAt === signatureAt || token.indexOf(".", payloadAt) + 1 !== signatureAt) {
    return undefined;
  }
  try {
    const signature = decode(token.slice(signatureAt));
    if (signature.length === 2 * BYTES_OF_S && isEs256(token.slice(0, payloadAt - 1))) useSmallerS(signature);
    return token.slice(0, signatureAt) + encode(signature);
  } catch {
    return undefined;
  }
}

/** @throws {Error} for a header that is not JSON in base64 */
function isEs256(header: string): boolean {
  const { alg }: { readonly alg?: unknown } = JSON.parse(new TextDecoder().decode(decode(header)));
  return alg === "ES256";
}

/** Replaces s by ORDER - s if that is smaller. */
function useSmallerS(signature: Uint8Array): void {
  const view = new DataView(signature.buffer, signature.byteOffset + BYTES_OF_S);
  let s = 0n;
  for (let at = 0; at < BYTES_OF_S; at += 8) s = s << 64n | view.getBigUint64(at);
  if (2n * s <= ORDER || s >= ORDER) return;
  s = ORDER - s;
  for (let at = BYTES_OF_S - 8; at >= 0; at -= 8, s >>= 64n) view.setBigUint64(at, s);
}
