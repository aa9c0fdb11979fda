/**
 * `ROOM_POLICY=rls`: who is let in and may do what, by which claims and roles. docs/rooms.md, "Row
 * level security".
 */
import { assert, assertEquals } from "@std/assert";
import { eventually } from "../../tools/support/eventually.ts";
import { createTestDatabase } from "../../tools/support/postgres/database.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";
import { freshId, publishFrame, RoomClient, roomUrl } from "../support/room_client.ts";
import { HANDSHAKE, rawGet, type RawResponse } from "../../tools/support/wire/raw_request.ts";
import { assertProblem } from "../support/problem.ts";
import { addMember, ALICE, BOB, openRlsStage, rlsEnvironment, rlsTest } from "./rls_stage.ts";

const FORBIDDEN = { status: 403, code: "forbidden", title: "Forbidden" };
const UNAVAILABLE = { status: 503, code: "unavailable", title: "Unavailable" };
const ACTIONS = ["join", "publish", "presence", "history"] as const;

/** The answer to a handshake. */
async function handshake(
  running: RunningServer,
  room: string,
  user: string,
  claims: Record<string, unknown> = {},
): Promise<RawResponse> {
  const { pathname, search } = new URL(await roomUrl(running, room, { user, claims }));
  return await rawGet(running.port, pathname + search, HANDSHAKE);
}

/** Answers to one frame of each kind that needs a permission. */
async function tryAll(client: RoomClient): Promise<Record<string, string>> {
  const frames = [
    publishFrame("x"),
    { type: "presence", id: freshId(), state: {} },
    { type: "history", id: freshId(), after: 0, limit: 1 },
  ] as const;
  const answers: Record<string, string> = {};
  for (const frame of frames) {
    const answer = await client.request(frame);
    answers[frame.type] = answer.type === "error" ? answer.code : "done";
  }
  return answers;
}

rlsTest(
  "a member by the documented policy is let in and may do what its row says; who is none gets 403",
  async () => {
    await using stage = await openRlsStage();
    const { database, running } = stage;
    await addMember(database, "lobby", ALICE);
    await addMember(database, "quiet", ALICE, false);
    await using alice = await RoomClient.join(running, "lobby", { user: ALICE, query: { history: 5 } });
    assertEquals(await tryAll(alice), { publish: "done", presence: "done", history: "done" });
    await using quiet = await RoomClient.join(running, "quiet", { user: ALICE });
    assertEquals(await tryAll(quiet), { publish: "forbidden", presence: "done", history: "done" });
    for (const [room, user] of [["lobby", BOB], ["Lobby", ALICE], ["other", ALICE]] as const) {
      assertProblem(await handshake(running, room, user), FORBIDDEN);
    }
  },
);

rlsTest("without a policy nobody may do anything", async () => {
  await using stage = await openRlsStage({ policies: "select 1" });
  assertProblem(await handshake(stage.running, "lobby", ALICE), FORBIDDEN);
});

for (const action of ["publish", "presence", "history"] as const) {
  rlsTest(`${action} is allowed or not by itself`, async () => {
    const policies = `create policy p on room_access.permissions for select to authenticated
      using (case room_access.room() when 'only' then action in ('join', '${action}') else action <> '${action}' end)`;
    await using stage = await openRlsStage({ policies });
    const all = { publish: "done", presence: "done", history: "done" };
    const none = { publish: "forbidden", presence: "forbidden", history: "forbidden" };
    await using only = await RoomClient.join(stage.running, "only", { user: ALICE });
    assertEquals(await tryAll(only), { ...none, [action]: "done" });
    await using others = await RoomClient.join(stage.running, "others", { user: ALICE });
    assertEquals(await tryAll(others), { ...all, [action]: "forbidden" });
  });
}

rlsTest("without join nothing is allowed, over HTTP neither", async () => {
  const policies = `create policy p on room_access.permissions for select to authenticated
    using (action <> 'join' or room_access.room() = 'open')`;
  await using stage = await openRlsStage({ policies });
  const { running } = stage;
  assertProblem(await handshake(running, "r", ALICE), FORBIDDEN);
  const authorization = `Authorization: Bearer ${await running.issuer.token(ALICE)}`;
  for (const [room, status] of [["r", 403], ["open", 200]] as const) {
    for (const what of ["messages", "presence"]) {
      const path = `/realtime/rooms/${room}/${what}`;
      assertEquals((await rawGet(running.port, path, [authorization])).status, status, path);
    }
  }
});

rlsTest("policies see the user's own claims, id and role", async () => {
  const policies = `create policy p on room_access.permissions for select using (case room_access.room()
    when 'id' then auth.uid() = '${ALICE}'
    when 'claim' then auth.jwt() -> 'app_metadata' ->> 'team' = 'o''hara "7"'
    when 'role' then auth.role() = 'authenticated' and current_user = 'authenticated' and current_setting('role') = 'authenticated'
    when 'aal' then auth.jwt() ->> 'aal' = 'aal2' end)`;
  await using stage = await openRlsStage({ policies });
  const { running } = stage;
  const claims = { app_metadata: { team: 'o\'hara "7"' } };
  for (
    const [room, user, given, status] of [
      ["id", ALICE, {}, 101],
      ["id", BOB, {}, 403],
      ["claim", BOB, claims, 101],
      ["claim", BOB, { user_metadata: claims.app_metadata }, 403],
      ["role", ALICE, {}, 101],
      ["aal", ALICE, { aal: "aal2" }, 101],
      ["aal", ALICE, {}, 403],
    ] as const
  ) assertEquals((await handshake(running, room, user, given)).status, status, `${room} ${user}`);
});

rlsTest("a token's role is taken on only if it was granted by name and policies bind it", async () => {
  await using stage = await openRlsStage({
    policies: "create policy p on room_access.permissions for select to authenticated, anon using (true)",
  });
  const { running, database: { sql } } = stage;
  const own = `editor_${Deno.pid}`;
  const bypassing = `bypassing_${Deno.pid}`;
  const owning = `owning_${Deno.pid}`;
  const member = `member_${Deno.pid}`;
  await sql.unsafe(`
    create role ${own}; create role ${bypassing} bypassrls; create role ${owning} in role postgres; create role ${member} in role authenticated;
    grant usage on schema room_access to ${own}, ${bypassing}, ${owning}, service_role;
    grant select on room_access.permissions to ${own}, ${bypassing}, ${owning}, service_role;
    grant execute on function room_access.room() to ${own};
    create policy own on room_access.permissions for select to ${own} using (action = 'join' and room_access.room() = 'r');
  `);
  try {
    for (
      const [role, status] of [
        ["authenticated", 101],
        ["anon", 101],
        [own, 101],
        ["service_role", 403],
        ["postgres", 403],
        [bypassing, 403],
        [owning, 403],
        [member, 403],
        ["supabase_admin", 403],
        ["none", 403],
        ["AUTHENTICATED", 403],
        ["authenticated; reset role", 403],
        ["authenticated\0", 403],
        ["x".repeat(5_000), 403],
      ] as const
    ) {
      const response = await handshake(running, "r", ALICE, { role });
      assertEquals(response.status, status, `${role.slice(0, 30)} ${response.body}`);
    }
    // A role that is not text does not count: the token is an ordinary one.
    for (const role of [undefined, 7, ["service_role"], ""]) {
      const response = await handshake(running, "r", ALICE, { role });
      assertEquals(response.status, role === "" ? 403 : 101, JSON.stringify(role));
    }
  } finally {
    await sql.unsafe(`
      drop policy own on room_access.permissions;
      drop owned by ${own}, ${bypassing}, ${owning}, ${member};
      drop role ${own}; drop role ${bypassing}; drop role ${owning}; drop role ${member};
      revoke all on room_access.permissions from service_role;
    `);
  }
});

rlsTest("after a question the connection is nobody's again", async () => {
  await using stage = await openRlsStage({
    policies: "create policy p on room_access.permissions for select to authenticated using (true)",
  });
  await stage.database.sql.begin(async (sql) => {
    const claims = JSON.stringify({ sub: ALICE, role: "authenticated" });
    const [answer] = await sql`select room_access.permitted('r', 'authenticated', ${claims}) as actions`;
    assertEquals(answer?.["actions"].split(",").sort(), [...ACTIONS].sort());
    const [after] = await sql`
      select current_user as who, auth.jwt()::text as claims, coalesce(room_access.room(), '') as room
    `;
    assertEquals({ ...after }, { who: "postgres", claims: "{}", room: "" });
  });
});

rlsTest("a policy that raises lets nobody in: 503, and the log says why without secrets", async () => {
  const policies = `
    create function public.broken() returns boolean language plpgsql as $$
      begin raise exception 'the policy is broken'; end $$;
    create policy p on room_access.permissions for select to authenticated
      using (case when room_access.room() = 'broken' then public.broken() else auth.uid() = '${ALICE}' end)`;
  await using stage = await openRlsStage({ policies });
  const { running, database } = stage;
  const response = await handshake(running, "broken", ALICE);
  assertProblem(response, UNAVAILABLE);
  assert(!response.body.includes("broken"), response.body);
  const [failure] = await running.logged("permissions.undecided");
  assertEquals([failure?.["user"], failure?.["room"], failure?.["sqlstate"]], [ALICE, "broken", "P0001"]);
  assert(JSON.stringify(failure).includes("the policy is broken"));
  // auth.uid() raises for what is no UUID; others are answered as if nothing had been.
  assertProblem(await handshake(running, "r", "alice"), UNAVAILABLE);
  await using _alice = await RoomClient.join(running, "r", { user: ALICE });
  const everything = JSON.stringify(running.logs);
  for (const secret of [`${ALICE}@example.com`, `session-of-${ALICE}`, database.url, "eyJ"]) {
    assert(!everything.includes(secret), `The log has ${secret.slice(0, 10)}`);
  }
});

rlsTest("a question that the database cancels lets nobody in: 503", async () => {
  const policies = `create policy p on room_access.permissions for select to authenticated
      using (case when room_access.room() = 'slow' then (select pg_sleep(60)) is not null else true end)`;
  await using stage = await openRlsStage({ policies });
  const { running, database: { sql } } = stage;
  const slow = handshake(running, "slow", ALICE);
  await eventually(
    () =>
      sql`
        select pg_cancel_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name = 'realtime' and wait_event = 'PgSleep'
      `,
    ({ length }) => length > 0,
  );
  assertProblem(await slow, UNAVAILABLE);
  await using _alice = await RoomClient.join(running, "r", { user: ALICE });
});

rlsTest("a role that is no superuser asks too, if it may take on the users' roles", async () => {
  const role = `service_rls_${Deno.pid}`;
  await using database = await createTestDatabase();
  const { sql } = database;
  await sql.unsafe(`create role ${role} login in role service_role, authenticated`);
  try {
    await sql.unsafe(
      "create policy p on room_access.permissions for select to authenticated, anon using (true)",
    );
    const url = new URL(database.url);
    url.username = role;
    await using running = await startServer({ env: rlsEnvironment(url.href) });
    await using _alice = await RoomClient.join(running, "r", { user: ALICE });
    // It may not take on anon: that is a fault of the deployment, and said in the log.
    assertProblem(await handshake(running, "r", ALICE, { role: "anon" }), UNAVAILABLE);
    const [failure] = await running.logged("permissions.undecided");
    assert(
      JSON.stringify(failure).includes('permission denied to set role \\"anon\\"'),
      JSON.stringify(failure),
    );
  } finally {
    await sql.unsafe(`drop role ${role}`);
  }
});
