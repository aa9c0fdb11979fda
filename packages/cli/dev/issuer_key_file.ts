// Node's modules: the command `realtime-edge token` reads the same file on Node.
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { generateKeyPair } from "jose";
import { type Issuer, issuerOf } from "./issuer.ts";

/** Import parameters of the key, for jose's `ES256`. */
const ES256 = { name: "ECDSA", namedCurve: "P-256" };

/** Loads the issuer from its key file, so that tokens outlive a restart. Creates a missing file. */
export async function loadIssuer(file: URL): Promise<Issuer> {
  const { kid, privateKey, publicKey } = await readKey(file) ?? await writeKey(file);
  return await issuerOf("ES256", kid, {
    privateKey: await crypto.subtle.importKey("jwk", privateKey, ES256, false, ["sign"]),
    publicKey: await crypto.subtle.importKey("jwk", publicKey, ES256, true, ["verify"]),
  });
}

/** Content of the key file. */
interface StoredKey {
  readonly kid: string;
  readonly privateKey: JsonWebKey;
  readonly publicKey: JsonWebKey;
}

async function readKey(file: URL): Promise<StoredKey | undefined> {
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
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
  await mkdir(new URL(".", file), { recursive: true });
  // Written to another file and then moved, so that a second dev server never reads half a key.
  const temporary = new URL(`${file.href}.${crypto.randomUUID()}`);
  await writeFile(temporary, JSON.stringify(key), { mode: 0o600 });
  await rename(temporary, file);
  return key;
}
