/** Spellings of one token: signatures that decode to the same bytes, or verify in the same way. */
import { assertEquals } from "@std/assert";
import { base64url } from "jose";
import { createIssuer, type KeyAlgorithm } from "../../packages/cli/dev/issuer.ts";
import { rawGet } from "../../tools/support/wire/raw_request.ts";
import { AuthStub } from "../support/auth_stub.ts";
import { partsOf } from "../support/forged_tokens.ts";
import { remotePolicy, startProjectStub } from "../support/project_stub.ts";
import { startServer } from "../support/running_server.ts";

/** Order of the group of P-256. */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** Sets the bits of the last character that encode nothing. */
function withUnusedBits(signature: string): string {
  const last = ALPHABET.indexOf(signature.slice(-1));
  return signature.slice(0, -1) + ALPHABET[last | (signature.length % 4 === 2 ? 15 : 3)];
}

/** The other signature (r, n - s) that ECDSA accepts for the same text. */
function mirrored(signature: string): string {
  const bytes = base64url.decode(signature);
  const hex = [...bytes.slice(32)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const other = (ORDER - BigInt(`0x${hex}`)).toString(16).padStart(64, "0");
  bytes.set(other.match(/../g)?.map((pair) => parseInt(pair, 16)) ?? [], 32);
  return base64url.encode(bytes);
}

const SPELLINGS: Readonly<Record<string, (signature: string) => string>> = {
  "with padding": (signature) => `${signature}==`,
  "with blanks and line breaks inside": (signature) => `${signature.slice(0, 9)} \n\t${signature.slice(9)} `,
  "with unused bits": withUnusedBits,
};

const ALGORITHMS: readonly KeyAlgorithm[] = ["ES256", "RS256", "EdDSA"];
for (const alg of ALGORITHMS) {
  Deno.test(`spellings of one ${alg} token share one cache entry: Auth is asked once`, async () => {
    const auth = await AuthStub.create(await createIssuer(alg));
    await using project = startProjectStub({ user: auth.user });
    await using running = await startServer({ issuer: auth.issuer, env: remotePolicy(project.url) });
    const token = await auth.signIn("alice");
    const [header, payload, signature] = partsOf(token);
    const spellings = [signature, ...Object.values(SPELLINGS).map((spell) => spell(signature))];
    if (alg === "ES256") spellings.push(mirrored(signature), `${mirrored(signature)}==`);
    for (const spelling of spellings) {
      const text = encodeURIComponent(`${header}.${payload}.${spelling}`);
      const { status, body } = await rawGet(running.port, `/realtime/whoami?token=${text}`);
      assertEquals(status, 200, body);
    }
    assertEquals(project.asked.user, 1);
  });
}

Deno.test("a cached token does not vouch for another signature of the same claims", async () => {
  await using running = await startServer();
  const token = await running.issuer.token("alice");
  const [header, payload, signature] = partsOf(token);
  const [, , stranger] = partsOf(await (await createIssuer()).token("alice"));
  const texts = [token, `${header}.${payload}.${stranger}`, `${header}.${payload}.${signature.slice(0, -4)}`];
  const statuses = await Promise.all([...texts, ...texts].map(async (text) => {
    return (await rawGet(running.port, `/realtime/whoami?token=${text}`)).status;
  }));
  assertEquals(statuses, [200, 401, 401, 200, 401, 401]);
});
