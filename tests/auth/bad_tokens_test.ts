/**
 * Every way in which a token can be bad; keys that are used for what they are not are in
 * key_confusion_test.ts.
 */
import { assertEquals } from "@std/assert";
import { encodePart, partsOf, signAnything, unsigned } from "../support/forged_tokens.ts";
import { createIssuer, defaultClaims, type Issuer } from "../../packages/cli/dev/issuer.ts";
import { assertProblem, TOKEN_PROBLEMS } from "../support/problem.ts";
import { startProjectStub } from "../support/project_stub.ts";
import { HANDSHAKE, rawGet } from "../../tools/support/wire/raw_request.ts";
import { startServer } from "../support/running_server.ts";
import { assertAccepted, assertRefused } from "../support/token_checks.ts";

/** Makes a token with the trusted issuer's key, or with that of somebody else. */
type Make = (trusted: Issuer, stranger: Issuer) => string | Promise<string>;

const now = () => Math.floor(Date.now() / 1000);

/** The trusted issuer's token for alice, with one of its parts replaced. */
async function withPart(trusted: Issuer, at: 0 | 1 | 2, change: (part: string) => string): Promise<string> {
  return partsOf(await trusted.token("alice")).map((part, index) => index === at ? change(part) : part).join(
    ".",
  );
}

/** Claims replaced in a token that is truly signed. */
const claiming = (changes: Record<string, unknown>): Make => (trusted) =>
  signAnything(trusted, { ...defaultClaims("alice"), ...changes });

const INVALID: Record<string, Make> = {
  "with alg none": () => unsigned({ alg: "none", typ: "JWT" }),
  "with alg None": () => unsigned({ alg: "None", typ: "JWT" }),
  "with alg NONE and a real kid": ({ kid }) => unsigned({ alg: "NONE", kid }),
  "with alg none and a signature": async (trusted) =>
    unsigned({ alg: "none", kid: trusted.kid }) + partsOf(await trusted.token("alice"))[2],
  "without alg": ({ kid }) => unsigned({ typ: "JWT", kid }),
  "with alg as a list": ({ kid }) => unsigned({ alg: ["ES256"], kid }),
  "with a kid that nobody has": (trusted) =>
    trusted.token("alice", { header: { kid: "nobody-has-this-key" } }),
  "with a kid that is a property of every object": (trusted) =>
    trusted.token("alice", { header: { kid: "__proto__" } }),
  "with a kid that is a path": (trusted) => trusted.token("alice", { header: { kid: "../../../dev/null" } }),
  "of a stranger with the kid of a trusted key": ({ kid }, stranger) =>
    stranger.token("mallory", { header: { kid } }),
  "of a stranger without a kid": (_trusted, stranger) =>
    stranger.token("mallory", { header: { kid: undefined } }),
  "of a stranger": (_trusted, stranger) => stranger.token("mallory"),
  "with a payload that was tampered with": (trusted) =>
    withPart(trusted, 1, () => encodePart(defaultClaims("mallory"))),
  "with a signature that was tampered with": (trusted) =>
    withPart(trusted, 2, (part) => (part.startsWith("A") ? "B" : "A") + part.slice(1)),
  "with a signature that was cut": (trusted) => withPart(trusted, 2, (part) => part.slice(0, -4)),
  "with its signature stripped": (trusted) => withPart(trusted, 2, () => ""),
  "with its signature left out": async (trusted) => (await trusted.token("alice")).replace(/\.[^.]*$/, ""),
  "with a signature of zeros": (trusted) => withPart(trusted, 2, () => "A".repeat(86)),
  "with the signature of another of its own tokens": async (trusted) => {
    const other = partsOf(await trusted.token("bob"))[2];
    return await withPart(trusted, 2, () => other);
  },
  "with RS256 in the header of an ES256 signature": ({ kid, ...trusted }) =>
    withPart({ kid, ...trusted }, 0, () => encodePart({ alg: "RS256", typ: "JWT", kid })),
  "with a critical header that is not understood": (trusted) =>
    signAnything(trusted, defaultClaims("alice"), { crit: ["nonsense"], nonsense: true }),
  "with an unencoded payload (b64)": (trusted) =>
    withPart(trusted, 0, () => encodePart({ alg: "ES256", kid: trusted.kid, crit: ["b64"], b64: false })),
  "not valid yet": claiming({ nbf: now() + 3600 }),
  "for another audience": claiming({ aud: "somebody-else-entirely" }),
  "for other audiences": claiming({ aud: ["somebody-else-entirely", "authenticated-not"] }),
  "without an audience": claiming({ aud: undefined }),
  "without exp": claiming({ exp: undefined }),
  "with exp as a string": claiming({ exp: String(now() + 3600) }),
  "with exp as null": claiming({ exp: null }),
  "without sub": claiming({ sub: undefined }),
  "with an empty sub": claiming({ sub: "" }),
  "with a number as sub": claiming({ sub: 7 }),
  "whose payload is a list": (trusted) => signAnything(trusted, ["sub", "alice", "exp", 9_999_999_999]),
  "whose payload is a string": (trusted) => signAnything(trusted, "alice-as-authenticated"),
  "of 20 KB": claiming({ user_metadata: { padding: "0123456789abcdef".repeat(1280) } }),
  "that is none": () => "certainly-not-a-token",
  "of three empty parts": () => "..",
  "of three parts that are not base64": () => "!!!!!!!!!!!!!!!!.****************.$$$$$$$$$$$$$$$$",
  "of five parts, as an encrypted one has": ({ kid }) =>
    [
      encodePart({ alg: "RSA-OAEP", enc: "A256GCM", kid }),
      ...["a-wrapped-key", "an-init-vector", "a-ciphertext", "and-its-own-tag"].map(encodePart),
    ].join("."),
  "of five parts with alg ES256": async (trusted) => `${await trusted.token("alice")}.c29tZXRoaW5n.ZWxzZQ`,
  "with the key that it is signed with inside (jwk)": (_trusted, stranger) =>
    stranger.token("mallory", { header: { jwk: { ...stranger.jwks.keys[0] } } }),
  "with a trusted kid and a stranger's jwk inside": ({ kid }, stranger) =>
    stranger.token("mallory", { header: { kid, jwk: { ...stranger.jwks.keys[0] } } }),
};

for (const [name, make] of Object.entries(INVALID)) {
  Deno.test(`a token ${name} is invalid`, async () => {
    await using running = await startServer();
    await assertRefused(running, await make(running.issuer, await createIssuer()));
  });
}

for (const seconds of [10, 3600]) {
  Deno.test(`a token that expired ${seconds} s ago is expired`, async () => {
    await using running = await startServer();
    const token = await running.issuer.token("alice", { claims: { exp: now() - seconds } });
    await assertRefused(running, token, "token_expired");
  });
}

for (const iss of ["https://evil.example/auth/v1", undefined]) {
  Deno.test(`where AUTH_ISSUER is set, a token from ${iss ?? "no issuer"} is invalid`, async () => {
    await using running = await startServer({ env: { AUTH_ISSUER: "https://project.example/auth/v1" } });
    await assertRefused(running, await running.issuer.token("alice", { claims: { iss } }));
    const right = { iss: "https://project.example/auth/v1" };
    await assertAccepted(running, await running.issuer.token("alice", { claims: right }));
  });
}

Deno.test("an empty token is a missing one", async () => {
  await using running = await startServer();
  for (
    const [query, headerLine] of [["token=", "Authorization: Bearer "], ["jwt=", "Authorization: Bearer"]]
  ) {
    const response = await rawGet(running.port, `/realtime/echo?${query}`, [...HANDSHAKE, `${headerLine}`]);
    assertProblem(response, TOKEN_PROBLEMS.missing_token);
  }
});

for (const name of ["jku", "x5u"]) {
  Deno.test(`the header ${name} of a token is not followed`, async () => {
    await using attacker = startProjectStub();
    await using running = await startServer();
    const stranger = await createIssuer();
    attacker.keys = () => Response.json(stranger.jwks);
    const header = { [name]: `${attacker.url}/auth/v1/.well-known/jwks.json` };
    await assertRefused(running, await stranger.token("mallory", { header }));
    assertEquals(attacker.asked.keys, 0);
  });
}

const ACCEPTED: Record<string, Make> = {
  "that expired within the clock skew": claiming({ exp: now() - 200 }),
  "that will be valid within the clock skew": claiming({ nbf: now() + 200 }),
  "with the right audience among others": claiming({ aud: ["somebody-else", "authenticated"] }),
  "without a kid, where there is one key": (trusted) =>
    trusted.token("alice", { header: { kid: undefined } }),
  "with a jwk of no meaning in its header": (trusted, stranger) =>
    trusted.token("alice", { header: { jwk: { ...stranger.jwks.keys[0] } } }),
  "with a jku of no meaning in its header": (trusted) =>
    trusted.token("alice", { header: { jku: "https://evil.example/jwks.json" } }),
  "of 12 KB": claiming({ user_metadata: { padding: "0123456789abcdef".repeat(540) } }),
};

for (const [name, make] of Object.entries(ACCEPTED)) {
  Deno.test(`a token ${name} is accepted`, async () => {
    await using running = await startServer({ env: { AUTH_CLOCK_SKEW_SECONDS: "300" } });
    await assertAccepted(running, await make(running.issuer, await createIssuer()));
  });
}
