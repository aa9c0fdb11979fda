/** `ROOM_POLICY=rls`: what is remembered, for whom, and for how long. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { type User, userFromClaims } from "../../packages/server/src/auth/user.ts";
import { KnownPermissions } from "../../packages/server/src/permissions/known_permissions.ts";
import { RowSecurity } from "../../packages/server/src/permissions/row_security.ts";
import {
  EVERYTHING,
  NOTHING,
  PolicyFailed,
  type RoomPermissions,
} from "../../packages/server/src/rooms/policy/authorize.ts";
import { defaultClaims } from "../../packages/cli/dev/issuer.ts";
import { RoomClient } from "../support/room_client.ts";
import { createTestDatabase, type TestDatabase } from "../../tools/support/postgres/database.ts";
import { ALICE, BOB, countQuestions, openRlsStage, rlsTest } from "./rls_stage.ts";

function user(id: string, claims: Parameters<typeof defaultClaims>[1] = {}): User {
  const made = userFromClaims(defaultClaims(id, claims));
  assert(made);
  return made;
}

/** The policy by itself, with a clock that the test moves. */
async function openPolicy(database: TestDatabase): Promise<{
  readonly policy: RowSecurity;
  advance(ms: number): void;
  [Symbol.asyncDispose](): Promise<void>;
}> {
  let now = 0;
  const policy = new RowSecurity({ url: database.url, onEvent: () => {}, now: () => now });
  await policy.ready();
  return {
    policy,
    advance: (ms) => void (now += ms),
    [Symbol.asyncDispose]: () => policy.close(),
  };
}

rlsTest("many joins of one user with one token cost one question", async () => {
  // Without a table that announces its changes: what is announced late would be asked about again.
  const policies = "create policy p on room_access.permissions for select to authenticated using (true)";
  await using stage = await openRlsStage({ policies });
  const { running, database } = stage;
  const questions = await countQuestions(database);
  const iat = Math.floor(Date.now() / 1000);
  const claims = { iat, exp: iat + 3_600 };
  const clients: RoomClient[] = [];
  for (let joins = 0; joins < 3; joins++) {
    const join = () => RoomClient.join(running, "r", { user: ALICE, claims });
    clients.push(...await Promise.all(Array.from({ length: 10 }, join)));
  }
  assertEquals(await questions(), 1);
  for (const client of clients) await client[Symbol.asyncDispose]();
});

rlsTest("an answer is only for the same user, room, role and claims", async () => {
  await using database = await createTestDatabase();
  await database.sql.unsafe(`create policy p on room_access.permissions for select to authenticated
    using (auth.uid() = '${ALICE}' and room_access.room() = 'r' and auth.jwt() ->> 'aal' = 'aal2')`);
  const questions = await countQuestions(database);
  await using world = await openPolicy(database);
  const { policy } = world;
  const good = { aal: "aal2", iat: 1, exp: 2 };
  const ask = (id: string, claims: Parameters<typeof defaultClaims>[1], room = "r") =>
    policy.permissions(user(id, { ...good, ...claims }), room);
  assertEquals(await ask(ALICE, {}), EVERYTHING);
  assertEquals(await ask(BOB, {}), NOTHING);
  assertEquals(await ask(ALICE, {}, "r2"), NOTHING);
  assertEquals(await ask(ALICE, { role: "anon" }), NOTHING);
  assertEquals(await ask(ALICE, { role: "service_role" }), NOTHING);
  assertEquals(await ask(ALICE, { aal: "aal1" }), NOTHING);
  assertEquals(await ask(ALICE, { session_id: "another" }), EVERYTHING);
  const before = await questions();
  // A denied answer does not replace an allowed one, nor the other way round.
  assertEquals(await ask(ALICE, {}), EVERYTHING);
  assertEquals(await ask(BOB, {}), NOTHING);
  assertEquals(await questions(), before);
});

rlsTest("an answer is used again for ten seconds, and then asked for again", async () => {
  await using database = await createTestDatabase();
  await database.sql.unsafe(
    "create policy p on room_access.permissions for select to authenticated using (true)",
  );
  const questions = await countQuestions(database);
  await using world = await openPolicy(database);
  const alice = user(ALICE);
  assertEquals(await world.policy.permissions(alice, "r"), EVERYTHING);
  // Nobody announces this.
  await database.sql.unsafe("alter policy p on room_access.permissions using (action <> 'publish')");
  world.advance(9_999);
  assertEquals(await world.policy.permissions(alice, "r"), EVERYTHING);
  assertEquals(await questions(), 1);
  world.advance(1);
  assertEquals(await world.policy.permissions(alice, "r"), { ...EVERYTHING, publish: false });
  assertEquals(await questions(), 2);
});

rlsTest(
  "many questions at once are few statements, and what one raises is nothing to the others",
  async () => {
    await using database = await createTestDatabase();
    await database.sql.unsafe(`create policy p on room_access.permissions for select to authenticated
    using (case room_access.room() when '13' then false when '99' then 1 / (length(action) * 0) = 1 else auth.uid() = '${ALICE}' end)`);
    await using world = await openPolicy(database);
    const rooms = Array.from({ length: 500 }, (_, index) => String(index));
    const settled = await Promise.allSettled(
      rooms.map((room) => world.policy.permissions(user(room === "7" ? BOB : ALICE), room)),
    );
    const allowed = settled.flatMap((one, index) =>
      one.status === "fulfilled" && !one.value.join ? [index] : []
    );
    const failed = settled.flatMap((one, index) =>
      one.status === "rejected" ? [[index, one.reason.constructor]] : []
    );
    assertEquals([allowed, failed], [[7, 13], [[99, PolicyFailed]]]);
  },
);

/** Answers that are remembered, of questions that the test answers. */
function remember(maxEntries = 100) {
  let now = 0;
  const known = new KnownPermissions({ maxAgeMs: 100, maxEntries, now: () => now });
  known.keep(true);
  let asked = 0;
  return {
    known,
    asked: () => asked,
    advance: (ms: number) => void (now += ms),
    get: (userId: string, answer: Promise<RoomPermissions> = Promise.resolve(EVERYTHING), room = "r") =>
      known.get({ room, userId, role: "authenticated", claims: userId }, () => {
        asked += 1;
        return answer;
      }),
  };
}

Deno.test("rls: a change while a question is answered leaves nothing cached, and the next question asks again", async () => {
  const { get, known, asked } = remember();
  const first = Promise.withResolvers<RoomPermissions>();
  const early = get("alice", first.promise);
  const together = get("alice");
  known.forget({ room: "r", userId: "alice" });
  const late = get("alice", Promise.resolve(NOTHING));
  first.resolve(EVERYTHING);
  assertEquals([await early, await together, await late], [EVERYTHING, EVERYTHING, NOTHING]);
  assertEquals(await get("alice"), NOTHING);
  assertEquals(asked(), 2);
});

Deno.test("rls: a question that fails is remembered by nobody", async () => {
  const { get, asked } = remember();
  await assertRejects(() => get("alice", Promise.reject(new Error("away"))), Error, "away");
  assertEquals(await get("alice"), EVERYTHING);
  assertEquals(asked(), 2);
});

Deno.test("rls: a change is for those whom it names, with any for what it does not", async () => {
  for (
    const [room, userId, again] of [
      ["r", "alice", 1],
      ["r", undefined, 2],
      [undefined, "alice", 2],
      [undefined, undefined, 4],
      ["other", "alice", 0],
      ["r", "carol", 0],
    ] as const
  ) {
    const { get, known, asked } = remember();
    const askAll = async () => {
      for (const name of ["alice", "bob"]) for (const place of ["r", "r2"]) await get(name, undefined, place);
    };
    await askAll();
    known.forget({ room, userId });
    await askAll();
    assertEquals(asked() - 4, again, `${room} ${userId}`);
  }
});

Deno.test("rls: nothing is remembered while nobody would tell of changes, and what was is forgotten then", async () => {
  const { get, known, asked } = remember();
  await get("alice");
  known.keep(false);
  for (const _ of [1, 2]) await get("alice");
  assertEquals(asked(), 3);
  known.keep(true);
  for (const _ of [1, 2]) await get("alice");
  assertEquals(asked(), 4);
});

Deno.test("rls: what is remembered is bounded", async () => {
  const { get, asked } = remember(10);
  for (let number = 0; number < 100; number++) await get(`user ${number}`);
  await get("user 99");
  assertEquals(asked(), 100);
  await get("user 0");
  assertEquals(asked(), 101);
});

Deno.test("rls: of more answers than are cached, only the oldest goes", async () => {
  const { get, asked } = remember(10);
  for (let number = 0; number <= 10; number++) await get(`user ${number}`);
  for (let number = 1; number <= 10; number++) await get(`user ${number}`);
  assertEquals(asked(), 11);
  await get("user 0");
  assertEquals(asked(), 12);
});

Deno.test("rls: a change reaches answers that came in the place of evicted ones", async () => {
  const { get, known, asked } = remember(2);
  for (const name of ["alice", "bob", "carol", "alice"]) await get(name);
  assertEquals(asked(), 4);
  known.forget({ room: "r", userId: "bob" });
  await get("alice");
  assertEquals(asked(), 4);
  known.forget({ room: "r", userId: "alice" });
  await get("alice");
  await get("carol");
  assertEquals(asked(), 5);
});
