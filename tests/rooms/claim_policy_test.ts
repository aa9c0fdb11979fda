import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type User, userFromClaims } from "../../packages/server/src/auth/user.ts";
import { EVERYTHING, NOTHING } from "../../packages/server/src/rooms/policy/authorize.ts";
import { createClaimPolicy } from "../../packages/server/src/rooms/policy/claim_policy.ts";
import { matchesGlob } from "../../packages/server/src/rooms/policy/glob.ts";

/**
 * Creates a user from `app_metadata` as JSON text, in which `__proto__` is an own key, as in a
 * token.
 */
function userWith(appMetadata: string, userMetadata = "{}"): User {
  const user = userFromClaims({
    sub: "alice",
    exp: 2_000_000_000,
    app_metadata: JSON.parse(appMetadata),
    user_metadata: JSON.parse(userMetadata),
    rooms: ["*"],
  });
  assert(user);
  return user;
}

const policy = createClaimPolicy("rooms");

const ALLOWED: readonly (readonly [appMetadata: string, room: string])[] = [
  ['{"rooms":["lobby"]}', "lobby"],
  ['{"rooms":["other","lob*"]}', "lobby"],
  ['{"rooms":["*"]}', "anything"],
  ['{"rooms":[5,null,{},["lobby"],"lobby"]}', "lobby"],
  ['{"rooms":{"lobby":["join","publish","presence","history"]}}', "lobby"],
  ['{"rooms":{"lob*":["join"],"*by":["publish","presence"],"lobby":["history","fly"]}}', "lobby"],
  ['{"rooms":{"__proto__":["join","publish","presence","history"]}}', "__proto__"],
];
for (const [appMetadata, room] of ALLOWED) {
  Deno.test(`${appMetadata} allows everything in ${room}`, async () => {
    assertEquals(await policy(userWith(appMetadata), room), EVERYTHING);
  });
}

const REFUSED: readonly (readonly [appMetadata: string, room: string])[] = [
  ["{}", "lobby"],
  ['{"rooms":null}', "lobby"],
  ['{"rooms":"lobby"}', "lobby"],
  ['{"rooms":"*"}', "lobby"],
  ['{"rooms":true}', "lobby"],
  ['{"rooms":5}', "lobby"],
  ['{"rooms":[]}', "lobby"],
  ['{"rooms":[["lobby"]]}', "lobby"],
  ['{"rooms":["Lobby","lobb","lobbyy",""]}', "lobby"],
  ['{"rooms":{}}', "lobby"],
  ['{"rooms":{"lobby":[]}}', "lobby"],
  ['{"rooms":{"lobby":"join"}}', "lobby"],
  ['{"rooms":{"lobby":true}}', "lobby"],
  ['{"rooms":{"lobby":{"join":true}}}', "lobby"],
  ['{"rooms":{"lobby":["publish","presence","history"]}}', "lobby"],
  ['{"rooms":{"lobby":[["join"]]}}', "lobby"],
  ['{"rooms":{"other":["join"]}}', "lobby"],
  ['{"rooms":{"length":["join"]}}', "lobby"],
  ['{"__proto__":{"rooms":["lobby"]}}', "lobby"],
  ['{"rooms":{"__proto__":{"lobby":["join"]}}}', "lobby"],
];
for (const [appMetadata, room] of REFUSED) {
  Deno.test(`${appMetadata} allows nothing in ${room}`, async () => {
    assertEquals(await policy(userWith(appMetadata), room), NOTHING);
  });
}

Deno.test("each matching pattern adds its permissions, and others add nothing", async () => {
  const user = userWith('{"rooms":{"a*":["join"],"*z":["publish"],"b*":["history"]}}');
  assertEquals(await policy(user, "az"), { join: true, publish: true, presence: false, history: false });
  assertEquals(await policy(user, "a"), { join: true, publish: false, presence: false, history: false });
  assertEquals(await policy(user, "bz"), NOTHING);
});

Deno.test("user_metadata never counts", async () => {
  const claim = '{"rooms":["*"],"__proto__":{"rooms":["*"]}}';
  assertEquals(await policy(userWith("{}", claim), "lobby"), NOTHING);
});

for (const claim of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
  Deno.test(`a claim named ${claim} is read only from the token`, async () => {
    const policyOfOddName = createClaimPolicy(claim);
    assertEquals(await policyOfOddName(userWith("{}"), "lobby"), NOTHING);
    assertEquals(await policyOfOddName(userWith(`{"${claim}":["lobby"]}`), "lobby"), EVERYTHING);
  });
}

Deno.test("for any JSON claim the policy does not throw, and allows nothing without join", async () => {
  const decide = (json: unknown, room: string) => policy(userWith(JSON.stringify({ rooms: json })), room);
  await fc.assert(
    fc.asyncProperty(fc.jsonValue(), fc.string(), async (json, room) => {
      const permissions = await decide(json, room);
      if (!permissions.join) assertEquals(permissions, NOTHING);
    }),
    { numRuns: 500 },
  );
});

const GLOBS: readonly (readonly [pattern: string, text: string, fits: boolean])[] = [
  ["", "", true],
  ["", "a", false],
  ["a", "", false],
  ["*", "", true],
  ["**", "", true],
  ["?", "", false],
  ["?", "a", true],
  ["?", "ab", false],
  ["a?c", "abc", true],
  ["a*c", "ac", true],
  ["a*c", "abbbc", true],
  ["a*c", "abbbcd", false],
  ["*a", "bca", true],
  ["*a*", "bcad", true],
  ["a*b*c", "aXbYbZc", true],
  ["a*b*c", "aXcYb", false],
  ["*ab", "aab", true],
  ["*aab*aab", "aaabaaab", true],
  ["?*?", "a", false],
  ["?*?", "ab", true],
  ["a.c", "abc", false],
  ["a+", "aa", false],
  ["[ab]", "a", false],
  ["(a|b)", "a", false],
  ["\\*", "*", false],
  ["^a$", "a", false],
  ["A", "a", false],
];
for (const [pattern, text, fits] of GLOBS) {
  Deno.test(`the pattern "${pattern}" ${fits ? "matches" : "does not match"} "${text}"`, () => {
    assertEquals(matchesGlob(pattern, text), fits);
  });
}

/** Matches with a regular expression. */
function byRegExp(pattern: string, text: string): boolean {
  const parts = [...pattern].map((part) => part === "*" ? ".*" : part === "?" ? "." : part);
  return new RegExp(`^${parts.join("")}$`).test(text);
}

Deno.test("a pattern matches the same texts as its regular expression", () => {
  const Pattern = fc.string({ unit: fc.constantFrom("a", "b", "*", "?"), maxLength: 8 });
  const Text = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 12 });
  fc.assert(
    fc.property(Pattern, Text, (pattern, text) => {
      assertEquals(matchesGlob(pattern, text), byRegExp(pattern, text));
    }),
    { numRuns: 5_000 },
  );
});

Deno.test("matching a pattern of a thousand stars takes at most pattern length times text length", () => {
  // A regular expression would backtrack for ever.
  const pattern = `${"*a".repeat(1_000)}*b`;
  assertEquals(matchesGlob(pattern, "a".repeat(10_000)), false);
  assertEquals(matchesGlob("*".repeat(100_000), "a".repeat(128)), true);
  assertEquals(matchesGlob(`${"*".repeat(100_000)}b`, "a".repeat(128)), false);
});
