/** Tests that one user who reads a large room takes neither the isolate's reads nor its memory. */
import { assert, assertEquals } from "@std/assert";
import { deadline } from "@std/async";
import { createTestDatabase } from "../../tools/support/postgres/database.ts";
import { isWithoutPostgres } from "../../tools/support/postgres/server.ts";
import { range } from "../protocol/member_frames.ts";
import { ANY_RATE } from "../support/room_client.ts";
import { storeMessages } from "../support/room_services.ts";
import { startServer } from "../support/running_server.ts";

const READS = 25;
/** Time in which another user's page has to come, in milliseconds. */
const PATIENCE_MS = 3_000;

Deno.test({
  name: "25 parallel reads of a room with 32 MB of history delay no other user",
  ignore: isWithoutPostgres,
  fn: async () => {
    await using database = await createTestDatabase();
    await using running = await startServer({
      env: { ...ANY_RATE, BACKPLANE: "postgres", SUPABASE_DB_URL: database.url },
    });
    for (const room of ["big", "calm"]) await storeMessages(running, room, 1);
    await database.sql`
      with text as materialized (select string_agg(md5(n::text), '') as text from generate_series(1, 2030) as n)
      insert into rooms.messages (room_id, "offset", key, id, event, data, "user", at)
      select id, n, '', n::text, 'said', '"' || text || '"', 'alice', rooms.now_ms()
      from rooms.rooms, text, generate_series(2, 500) as n where name = 'rooms/big'
    `;
    await database.sql`update rooms.rooms set head = 500 where name = 'rooms/big'`;
    const read = async (user: string, path: string) => {
      const authorization = `Bearer ${await running.issuer.token(user)}`;
      const response = await fetch(`${running.origin}/realtime/rooms/${path}`, {
        headers: { authorization },
      });
      return { status: response.status, text: await response.text() };
    };
    assertEquals((await read("bob", "calm/messages")).status, 200);
    const large = range(1, READS).map(() => read("alice", "big/messages?limit=500"));
    // More than the user may have under way, and in the middle of the load.
    await Promise.race(large);
    const calm = await deadline(read("bob", "calm/messages"), PATIENCE_MS);
    assertEquals(calm.status, 200);
    for (const { status, text } of await Promise.all(large)) {
      assertEquals(status, 200);
      const page: { messages: unknown[]; more: boolean } = JSON.parse(text);
      assert(page.messages.length > 0 && page.more);
    }
    assertEquals(running.logs.filter(({ event }) => event === "backplane.lost"), []);
  },
});
