import { generateKeyPair } from "jose";
import { type Issuer, issuerOf } from "./issuer.ts";

/** How the key is imported again: as Deno's WebCrypto, and jose's `ES256`, have it. */
const ES256 = { name: "ECDSA", namedCurve: "P-256" };

/** The issuer whose key is in a file; the first call makes both, so that tokens outlive a restart. */
export async function loadIssuer(file: URL): Promise<Issuer> {
  const { kid, privateKey, publicKey } = await readKey(file) ?? await writeKey(file);
  return await issuerOf("ES256", kid, {
    privateKey: await crypto.subtle.importKey("jwk", privateKey, ES256, false, ["sign"]),
    publicKey: await crypto.subtle.importKey("jwk", publicKey, ES256, true, ["verify"]),
  });
}

/** What the file holds. */
interface StoredKey {
  readonly kid: string;
  readonly privateKey: JsonWebKey;
  readonly publicKey: JsonWebKey;
}

async function readKey(file: URL): Promise<StoredKey | undefined> {
  try {
    return JSON.parse(await Deno.readTextFile(file));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function writeKey(file: URL): Promise<StoredKey> {
  const pair = await generateKeyPair("ES256", { extractable: true });
  const key: StoredKey = {
    kid: crypto.randomUUID(),
    privateKey: await crypto.subtle.exportKey("jwk", pair.privateKey),
    publicKey: await crypto.subtle.exportKey("jwk", pair.publicKey),
  };
  await Deno.mkdir(new URL(".", file), { recursive: true });
  // Written aside and then moved: a dev server that starts at the same moment must not read half a key.
  const aside = new URL(`${file.href}.${crypto.randomUUID()}`);
  await Deno.writeTextFile(aside, JSON.stringify(key), { mode: 0o600 });
  await Deno.rename(aside, file);
  return key;
}
