import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { decodeJwt } from "jose";
import { createIssuer } from "../../packages/cli/dev/issuer.ts";
import { createDevRoutes } from "../../packages/cli/dev/dev_routes.ts";
import { nameOfDevUser } from "../../packages/cli/dev/dev_user.ts";

const UUID = /^[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-8[\da-f]{3}-[\da-f]{12}$/;

const routes = createDevRoutes(await createIssuer());

async function get(query: Readonly<Record<string, string>>) {
  return await requestAt(`/dev/token?${new URLSearchParams(query)}`);
}

async function requestAt(path: string, host = "127.0.0.1:8000") {
  const response = await routes.request(`http://${host}${path}`, { headers: { host } });
  return { status: response.status, text: await response.text(), headers: response.headers };
}

async function claimsOf(query: Readonly<Record<string, string>>) {
  const { status, text } = await get(query);
  assertEquals(status, 200, text);
  return decodeJwt(text.trim());
}

Deno.test("a dev token's subject is a UUID that stays the same, and the user's name is in user_metadata", async () => {
  const first = await claimsOf({ user: "carol" });
  const second = await claimsOf({ user: "carol" });
  assertMatch(first.sub ?? "", UUID);
  assertEquals(first.sub, second.sub);
  assertEquals([first["user_metadata"], first["role"]], [{ name: "carol" }, "authenticated"]);
  assertMatch(String(first["session_id"]), /^[\da-f]{8}-/);
});

Deno.test("different names have different UUIDs, and short names can be read from theirs", async () => {
  const names = [
    "a",
    "b",
    "alice",
    "Alice",
    "fourteen bytes",
    "fifteen bytes !",
    "fifteen bytes ?",
    "zoë",
    "日本語",
  ];
  const subs = await Promise.all(names.map(async (user) => (await claimsOf({ user })).sub ?? ""));
  assertEquals(new Set(subs).size, names.length);
  for (const sub of subs) assertMatch(sub, UUID);
  assertEquals(subs.map(nameOfDevUser), [
    "a",
    "b",
    "alice",
    "Alice",
    "fourteen bytes",
    undefined,
    undefined,
    "zoë",
    "日本語",
  ]);
  for (
    const other of [
      "alice",
      "",
      "0198c9a1-5e3f-7cc1-9a53-0242ac120002",
      "ffffffff-ffff-8fff-8fff-ffffffffffff",
    ]
  ) {
    assertEquals(nameOfDevUser(other), undefined);
  }
});

Deno.test("a user that is a UUID already is the subject as it is", async () => {
  const user = "0198c9a1-5e3f-7cc1-9a53-0242ac120002";
  assertEquals((await claimsOf({ user })).sub, user);
});

Deno.test("a dev token has the role, the metadata and the claims that were asked for", async () => {
  const claims = await claimsOf({
    user: "carol",
    role: "editor",
    app_metadata: '{"role":"teacher","rooms":["class-1"]}',
    user_metadata: '{"colour":"red"}',
    claims: '{"aal":"aal2","exp":1900000000,"is_anonymous":true}',
  });
  assertEquals(claims["role"], "editor");
  assertEquals(claims["app_metadata"], { provider: "email", role: "teacher", rooms: ["class-1"] });
  assertEquals(claims["user_metadata"], { name: "carol", colour: "red" });
  assertEquals([claims["aal"], claims.exp, claims["is_anonymous"]], ["aal2", 1900000000, true]);
});

for (
  const [path, field] of [
    ["/dev/token", "user"],
    ["/dev/token?user=", "user"],
    ["/dev/token?user=carol&rol=admin", "rol"],
    ["/dev/token?user=carol&app_metadata[role]=teacher", "app_metadata[role]"],
    ["/dev/token?user=carol&role=a&role=b", "role"],
    ["/dev/token?user=carol&role=", "role"],
    ["/dev/token?user=carol&app_metadata=teacher", "app_metadata"],
    ["/dev/token?user=carol&app_metadata=%5B%5D", "app_metadata"],
    ["/dev/token?user=carol&user_metadata=null", "user_metadata"],
    ["/dev/token?user=carol&claims=%7B", "claims"],
    ["/dev/token?user=carol&claims=1", "claims"],
  ] as const
) {
  Deno.test(`${path} is refused, and the answer names \`${field}\``, async () => {
    const { status, text } = await requestAt(path);
    assertEquals(status, 400);
    assertStringIncludes(text, `\`${field}\``);
    assertMatch(text, /For example: \/dev\/token\?user=alice/);
  });
}

Deno.test("what the dev server answers by itself is never sniffed, and never stored by a cache", async () => {
  for (
    const path of [
      "/dev/token?user=carol",
      "/dev/token",
      "/dev/issuer",
      "/auth/v1/.well-known/jwks.json",
      "/no",
    ]
  ) {
    const { headers } = await requestAt(path);
    assertEquals(headers.get("x-content-type-options"), "nosniff", path);
    assertEquals(headers.get("cache-control"), "no-store", path);
  }
});
