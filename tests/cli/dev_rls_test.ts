/** The dev server's users under the documented policies, which compare ids with `auth.uid()`. */
import { assertEquals } from "@std/assert";
import { decodeJwt } from "jose";
import { createTestDatabase } from "../../tools/support/postgres/database.ts";
import { HANDSHAKE, rawGet } from "../../tools/support/wire/raw_request.ts";
import { addMember, documentedPolicies, rlsEnvironment, rlsTest } from "../rooms/rls_stage.ts";
import { startDevServer } from "../support/dev_server.ts";

rlsTest("with ROOM_POLICY=rls a dev user is let in by a row, and refused without one", async () => {
  await using database = await createTestDatabase();
  await database.sql.unsafe(await documentedPolicies());
  await using dev = await startDevServer(rlsEnvironment(database.url));
  const port = Number(new URL(dev.origin).port);
  async function statusOf(user: string, room: string): Promise<number> {
    const token = (await fetch(`${dev.origin}/dev/token?user=${user}`).then((response) => response.text()))
      .trim();
    if (room === "lobby" && user === "alice") await addMember(database, room, String(decodeJwt(token).sub));
    const { status } = await rawGet(port, `/realtime/rooms/${room}?token=${token}`, HANDSHAKE);
    return status;
  }
  assertEquals(await statusOf("alice", "lobby"), 101);
  assertEquals(await statusOf("alice", "hall"), 403);
  assertEquals(await statusOf("bob", "lobby"), 403);
});
