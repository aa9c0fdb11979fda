/**
 * `ROOM_POLICY=rls`: what is taken from a member, or given, holds at once and without a reconnect.
 */
import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import { publishFrame, RoomClient } from "../support/room_client.ts";
import { backplaneOf, changedBackplane, changeRoomServices } from "../support/room_services.ts";
import { BackplaneUnavailable } from "../../packages/server/src/backplane/contract.ts";
import { PermissionWatchers } from "../../packages/server/src/permissions/permission_watchers.ts";
import { type Authorize, EVERYTHING, NOTHING } from "../../packages/server/src/rooms/policy/authorize.ts";
import { startServer } from "../support/running_server.ts";
import { Trace } from "../support/trace.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { addMember, ALICE, BOB, documentedPolicies, openRlsStage, rlsTest } from "./rls_stage.ts";

/** Within this a member is out, in milliseconds. */
const AT_ONCE_MS = 1_000;

/** Outcome of a publish: `ack`, or the code of an error. */
async function tryPublish(client: RoomClient): Promise<string> {
  const answer = await client.request(publishFrame("x"));
  return answer.type === "error" ? answer.code : answer.type;
}

/** Publishes until it comes to that. */
async function untilPublishing(client: RoomClient, outcome: string): Promise<void> {
  await eventually(() => tryPublish(client), (seen) => seen === outcome);
}

/**
 * Waits until what was announced so far has been told to the service: notifications keep their
 * order.
 */
async function untilTold(
  stage: Awaited<ReturnType<typeof openRlsStage>>,
  observer: RoomClient,
): Promise<void> {
  const { sql } = stage.database;
  await sql`update public.memberships set may_publish = false where room = 'observer'`;
  await untilPublishing(observer, "forbidden");
}

rlsTest(
  "whose membership is deleted is told and closed with 4403 within a second, and nobody else is",
  async () => {
    await using stage = await openRlsStage();
    const { running, database } = stage;
    for (const user of [ALICE, BOB]) for (const room of ["r", "other"]) await addMember(database, room, user);
    await using alice = await RoomClient.join(running, "r", { user: ALICE });
    await using plain = await RoomClient.join(running, "r", { user: ALICE, plain: true });
    await using elsewhere = await RoomClient.join(running, "other", { user: ALICE });
    await using bob = await RoomClient.join(running, "r", { user: BOB });
    await alice.present({ here: true });
    await bob.next("presence");
    assertEquals((await bob.next("presence")).joined?.map(({ user }) => user), [ALICE]);
    const startedAt = performance.now();
    await database.sql`delete from public.memberships where room = 'r' and user_id = ${ALICE}`;
    for (const gone of [alice, plain]) {
      assertEquals((await gone.next("error")).code, "forbidden");
      assertEquals((await gone.closed()).code, 4403);
    }
    assertLess(performance.now() - startedAt, AT_ONCE_MS);
    // 7.6: who was closed with 4403 is not present any more.
    assertEquals((await bob.next("presence")).left?.map(({ user }) => user), [ALICE]);
    assertEquals((await bob.publish("still here")).offset, 1);
    assertEquals((await elsewhere.publish("here too")).offset, 1);
    await assertRejects(() => RoomClient.join(running, "r", { user: ALICE }));
  },
);

rlsTest("a stream of events ends too", async () => {
  await using stage = await openRlsStage();
  const { running, database } = stage;
  await addMember(database, "r", ALICE);
  const token = await running.issuer.token(ALICE);
  const response = await fetch(`${running.origin}/realtime/rooms/r/events`, {
    headers: { authorization: `Bearer ${token}` },
  });
  assertEquals(response.status, 200);
  await database.sql`delete from public.memberships`;
  const text = await response.text();
  assert(text.includes("event: close") && text.includes("4403"), text);
});

rlsTest("who loses publish, and gets it back, needs no reconnect", async () => {
  await using stage = await openRlsStage();
  const { running, database: { sql } } = stage;
  await addMember(stage.database, "r", ALICE);
  await using alice = await RoomClient.join(running, "r", { user: ALICE });
  assertEquals(await tryPublish(alice), "ack");
  await sql`update public.memberships set may_publish = false`;
  await untilPublishing(alice, "forbidden");
  await sql`update public.memberships set may_publish = true`;
  await untilPublishing(alice, "ack");
});

rlsTest(
  "who loses presence is present no more and sees nobody; who gets it is shown the presence list",
  async () => {
    await using stage = await openRlsStage({
      policies: `${await documentedPolicies()}
      create table public.hidden (room text, user_id uuid);
      grant select on public.hidden to authenticated;
      create trigger hidden_changed after insert or delete on public.hidden
        for each row execute function room_access.permissions_changed('room', 'user_id');
      create policy hides on room_access.permissions as restrictive for select using (
        action <> 'presence' or not exists (select from public.hidden h where h.user_id = auth.uid())
      );`,
    });
    const { running, database } = stage;
    for (const user of [ALICE, BOB]) await addMember(database, "r", user);
    await using alice = await RoomClient.join(running, "r", { user: ALICE });
    await alice.next("presence");
    await using bob = await RoomClient.join(running, "r", { user: BOB });
    await bob.next("presence");
    await bob.present({ n: 1 });
    await bob.next("presence");
    await alice.present({ n: 1 });
    for (const _ of [ALICE, BOB]) await alice.next("presence");
    await bob.next("presence");
    await database.sql`insert into public.hidden values ('r', ${ALICE})`;
    assertEquals((await bob.next("presence")).left?.map(({ user }) => user), [ALICE]);
    await bob.present({ n: 2 });
    assertEquals((await alice.takeAll()).filter(({ type }) => type === "presence"), []);
    const answer = await alice.request({ type: "presence", id: "p", state: {} });
    assert(answer.type === "error" && answer.code === "forbidden");
    await database.sql`delete from public.hidden`;
    assertEquals((await alice.next("presence")).members?.map(({ state }) => state), [{ n: 2 }]);
    await alice.present({ n: 3 });
    assertEquals((await bob.next("presence")).updated?.length, 1);
    assertEquals((await bob.next("presence")).joined?.map(({ user }) => user), [ALICE]);
  },
);

rlsTest("what is rolled back happens to nobody", async () => {
  await using stage = await openRlsStage();
  const { running, database } = stage;
  await addMember(database, "r", ALICE);
  await addMember(database, "observer", BOB);
  await using alice = await RoomClient.join(running, "r", { user: ALICE });
  await using observer = await RoomClient.join(running, "observer", { user: BOB });
  await database.sql.begin(async (sql) => {
    await sql`delete from public.memberships where room = 'r'`;
    throw new Error("rolled back");
  }).catch(() => {/* as intended */});
  await untilTold(stage, observer);
  assertEquals((await alice.takeAll()).map(({ type }) => type), ["presence"]);
  assertEquals((await alice.publish("still here")).offset, 1);
});

rlsTest("a row that is moved to another room, or another user, counts for both", async () => {
  await using stage = await openRlsStage();
  const { running, database: { sql } } = stage;
  await addMember(stage.database, "r", ALICE);
  await using alice = await RoomClient.join(running, "r", { user: ALICE });
  await sql`update public.memberships set room = 'r2'`;
  assertEquals((await alice.closed()).code, 4403);
  await using again = await RoomClient.join(running, "r2", { user: ALICE });
  await sql`insert into auth.users (id) values (${BOB})`;
  await sql`update public.memberships set user_id = ${BOB}`;
  assertEquals((await again.closed()).code, 4403);
  await using _bob = await RoomClient.join(running, "r2", { user: BOB });
});

for (
  const [what, change] of [
    ["truncated", "truncate public.memberships"],
    [
      "changed for all rooms and users",
      "delete from public.memberships; select room_access.announce(null, null)",
    ],
    ["deleted with their user", `delete from auth.users where id = '${ALICE}'`],
  ] as const
) {
  rlsTest(`memberships that are ${what} count at once`, async () => {
    await using stage = await openRlsStage();
    const { running, database } = stage;
    await addMember(database, "r", ALICE);
    await using alice = await RoomClient.join(running, "r", { user: ALICE });
    await database.sql.unsafe(change);
    assertEquals((await alice.closed()).code, 4403);
  });
}

rlsTest("a member who deletes the own membership, with an ordinary user's rights, is out", async () => {
  await using stage = await openRlsStage();
  const { running, database: { sql } } = stage;
  await addMember(stage.database, "r", ALICE);
  await sql.unsafe(`
    grant delete on public.memberships to authenticated;
    create policy leave on public.memberships for delete to authenticated using (user_id = auth.uid());
  `);
  await using alice = await RoomClient.join(running, "r", { user: ALICE });
  await sql.begin(async (transaction) => {
    await transaction`select set_config('request.jwt.claims', ${JSON.stringify({ sub: ALICE })}, true)`;
    await transaction.unsafe("set local role authenticated");
    await transaction`delete from public.memberships where room = 'r'`;
  });
  assertEquals((await alice.closed()).code, 4403);
});

rlsTest("a trigger that names a column which is not there fails the change, and says which", async () => {
  await using stage = await openRlsStage();
  const { sql } = stage.database;
  await sql.unsafe(`create trigger wrong after insert on public.memberships
    for each row execute function room_access.permissions_changed('rooom', 'user_id')`);
  await assertRejects(() => addMember(stage.database, "r", ALICE), Error, "no column rooom");
});

rlsTest("what changes between the handshake's answer and the first frame is not missed", async () => {
  await using stage = await openRlsStage();
  const { running, database } = stage;
  await addMember(database, "r", ALICE);
  const { authorize } = running.engine.deps;
  // Deleted after the question was answered, and told before there is a member.
  let isFirst = true;
  const late: typeof authorize = Object.assign(
    async (...[user, room]: Parameters<typeof authorize>) => {
      const permissions = await authorize(user, room);
      if (isFirst) {
        isFirst = false;
        await database.sql`delete from public.memberships`;
        await eventually(async () => await authorize(user, room), ({ join }) => !join);
      }
      return permissions;
    },
    authorize.watch ? { watch: authorize.watch } : {},
  );
  Object.assign(running.engine.deps, { authorize: late });
  await using alice = await RoomClient.connect(running, "r", { user: ALICE });
  assertEquals((await alice.closed()).code, 4403);
});

rlsTest("after a fresh token its claims are what is looked at", async () => {
  await using stage = await openRlsStage({
    policies: `create policy p on room_access.permissions for select to authenticated
      using (action = 'join' or auth.jwt() ->> 'aal' = 'aal2')`,
  });
  const { running } = stage;
  await using alice = await RoomClient.join(running, "r", { user: ALICE });
  assertEquals(await tryPublish(alice), "forbidden");
  const token = await running.issuer.token(ALICE, { claims: { aal: "aal2" } });
  assertEquals((await alice.request({ type: "auth", id: "a", token })).type, "authenticated");
  assertEquals(await tryPublish(alice), "ack");
  await stage.database.sql.unsafe(`
    alter policy p on room_access.permissions using (action = 'join' or auth.jwt() ->> 'aal' = 'aal3');
    select room_access.announce('r', '${ALICE}');
  `);
  await untilPublishing(alice, "forbidden");
});

rlsTest(
  "a policy that begins to raise closes who has to be looked at with 1013, and nobody else",
  async () => {
    await using stage = await openRlsStage();
    const { running, database } = stage;
    for (const user of [ALICE, BOB]) await addMember(database, "r", user);
    await using alice = await RoomClient.join(running, "r", { user: ALICE });
    await using bob = await RoomClient.join(running, "r", { user: BOB });
    await database.sql.unsafe(`
    create policy broken on room_access.permissions as restrictive for select to authenticated
      using (1 / (length(action) - length(action)) = 1);
    select room_access.announce('r', '${ALICE}');
  `);
    assertEquals((await alice.next("error")).code, "unavailable");
    assertEquals((await alice.closed()).code, 1013);
    assertEquals(await tryPublish(bob), "ack");
  },
);

rlsTest("an entry that cannot be taken off at once is taken off later", async () => {
  await using stage = await openRlsStage({
    policies: `create table public.hidden (hide boolean);
      grant select on public.hidden to authenticated;
      create policy p on room_access.permissions for select to authenticated
        using (action <> 'presence' or not exists (select from public.hidden));
      create trigger hidden_changed after insert on public.hidden
        for each statement execute function room_access.permissions_changed();`,
  });
  const { running, database } = stage;
  const backplane = backplaneOf(running);
  let failures = 2;
  changeRoomServices(running, {
    backplane: changedBackplane(backplane, {
      leave: async (room, connection) => {
        if (failures-- > 0) throw new BackplaneUnavailable("not now");
        await backplane.leave(room, connection);
      },
    }),
  });
  await using alice = await RoomClient.join(running, "r", { user: ALICE });
  await alice.present({});
  await database.sql`insert into public.hidden values (true)`;
  await eventually(() => backplane.present("rooms/r"), ({ length }) => length === 0);
  assertEquals(failures, -1);
});

Deno.test("rls: a check whose answer comes after a fresh token is repeated with that token", async () => {
  const watchers = new PermissionWatchers();
  const asked = new Trace();
  const gates = new Map([[3, Promise.withResolvers<void>()], [4, Promise.withResolvers<void>()]]);
  let calls = 0;
  // Admission, the first look, the fresh token (answered by what held before the change), and then
  // what holds since.
  const authorize: Authorize = Object.assign(
    async () => {
      const call = ++calls;
      asked.add(String(call));
      await gates.get(call)?.promise;
      return call > 3 ? NOTHING : EVERYTHING;
    },
    { watch: watchers.add.bind(watchers) },
  );
  await using running = await startServer({ deps: { authorize } });
  await using alice = await RoomClient.join(running, "r");
  await asked.until("2", 1);
  alice.send({ type: "auth", id: "a", token: await running.issuer.token("alice") });
  await asked.until("3", 1);
  watchers.check({ room: "r", userId: "alice" });
  await asked.until("4", 1);
  gates.get(3)?.resolve();
  assertEquals((await alice.answer("a")).type, "authenticated");
  gates.get(4)?.resolve();
  assertEquals((await alice.closed()).code, 4403);
  assertEquals(calls, 5);
});
