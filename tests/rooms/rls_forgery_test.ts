/** Announcements of changed permissions, and a database role that may only log in. */
import postgres from "postgres";
import { assertEquals, assertRejects } from "@std/assert";
import { deadline } from "@std/async";
import { eventually } from "../../tools/support/eventually.ts";
import { RoomClient } from "../support/room_client.ts";
import { addMember, ALICE, countQuestions, openRlsStage, rlsTest } from "./rls_stage.ts";

rlsTest("a role that may only log in neither hears announcements nor makes any", async () => {
  await using stage = await openRlsStage();
  const { running, database: { sql, url } } = stage;
  const questions = await countQuestions(stage.database);
  await addMember(stage.database, "r", ALICE);
  await using alice = await RoomClient.join(running, "r", { user: ALICE });
  const asked = await questions();
  const role = `analyst_rls_${Deno.pid}`;
  await sql.unsafe(`create role ${role} login`);
  const analystUrl = new URL(url);
  analystUrl.username = role;
  const analyst = postgres(analystUrl.href, { max: 1, fetch_types: false, onnotice: () => {} });
  try {
    const heard: string[] = [];
    const end = Promise.withResolvers<void>();
    await analyst.listen("end", () => end.resolve());
    for (const channel of ["rooms:permissions", "rrooms:permissions"]) {
      await analyst.listen(channel, (payload) => void heard.push(payload));
    }
    await assertRejects(
      () => analyst`select room_access.announce(null, null)`.execute(),
      Error,
      "permission denied",
    );
    await sql`select room_access.announce('r', 'nobody')`;
    await sql`select pg_notify('end', '')`;
    await deadline(end.promise, 10_000);
    assertEquals(heard, []);

    for (const channel of ["rooms:permissions", "rrooms:permissions"]) {
      await analyst.notify(channel, "[null,null]");
    }
    // Announcements arrive in order: this one would come behind the forged ones.
    await sql`select room_access.announce('r', ${ALICE})`;
    await eventually(questions, (count) => count > asked);
    await sql`delete from public.memberships`;
    assertEquals((await alice.closed()).code, 4403);
    assertEquals(await questions(), asked + 2);
  } finally {
    await analyst.end({ timeout: 1 });
    await sql.unsafe(`drop role ${role}`);
  }
});

rlsTest("a role that was granted only announce() can announce, and cannot read the key", async () => {
  await using stage = await openRlsStage();
  const { running, database: { sql } } = stage;
  await addMember(stage.database, "r", ALICE);
  await using alice = await RoomClient.join(running, "r", { user: ALICE });
  await sql.unsafe("alter table public.memberships disable trigger user");
  await sql`delete from public.memberships`;
  await sql.unsafe("grant execute on function room_access.announce(text, text) to authenticated");
  try {
    await sql.begin(async (transaction) => {
      await transaction.unsafe("set local role authenticated");
      await transaction`select room_access.announce('r', ${ALICE})`;
    });
    assertEquals((await alice.closed()).code, 4403);
    await assertRejects(
      () =>
        sql.begin(async (transaction) => {
          await transaction.unsafe("set local role authenticated");
          await transaction`select key from rooms.channel_key`;
        }),
      Error,
      "permission denied",
    );
  } finally {
    await sql.unsafe("revoke execute on function room_access.announce(text, text) from authenticated");
  }
});
