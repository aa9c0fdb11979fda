/** docs/protocol.md, rule 10.11: reads of history and presence that are under way. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ReadLimits } from "../../packages/server/src/rooms/read_limits.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { ANY_RATE, freshId, RoomClient } from "../support/room_client.ts";
import {
  backplaneOf,
  changedBackplane,
  changeRoomServices,
  storeMessages,
} from "../support/room_services.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";
import { range } from "./member_frames.ts";

/** Stops all reads of a server until `release`; `started` has the rooms that were read. */
function holdReads(
  running: RunningServer,
  waitingPerUser?: number,
): { readonly started: string[]; release(): void } {
  const backplane = backplaneOf(running);
  const gate = Promise.withResolvers<void>();
  const started: string[] = [];
  const held = async (room: string) => {
    started.push(room);
    await gate.promise;
  };
  changeRoomServices(running, {
    reads: new ReadLimits(waitingPerUser),
    backplane: changedBackplane(backplane, {
      history: (room, page) => held(room).then(() => backplane.history(room, page)),
      present: (room) => held(room).then(() => backplane.present(room)),
    }),
  });
  return { started, release: () => gate.resolve() };
}

async function read(running: RunningServer, user: string, path: string): Promise<Response> {
  const authorization = `Bearer ${await running.issuer.token(user)}`;
  const response = await fetch(`${running.origin}/realtime/rooms/${path}`, { headers: { authorization } });
  await response.body?.cancel();
  return response;
}

Deno.test("10.11 a user's reads wait for each other, and for nobody else's", async () => {
  await using running = await startServer({ env: ANY_RATE });
  await storeMessages(running, "r", 3);
  const { started, release } = holdReads(running);
  const alices = range(1, 20).map((number) =>
    read(running, "alice", number % 2 === 0 ? "r/messages" : "r/presence")
  );
  await eventually(() => Promise.resolve(started), ({ length }) => length === 2);
  const bobs = read(running, "bob", "other/messages");
  await eventually(() => Promise.resolve(started), (rooms) => rooms.includes("rooms/other"));
  assertEquals(started.filter((room) => room === "rooms/r").length, 2);
  release();
  assertEquals((await bobs).status, 200);
  assertEquals((await Promise.all(alices)).map(({ status }) => status), Array(20).fill(200));
});

Deno.test("10.11 above the number that may wait, a user's reads are rate_limited: HTTP and frames", async () => {
  const key = "sb_secret_of_this_test";
  const env = { ...ANY_RATE, SUPABASE_SECRET_KEYS: JSON.stringify({ default: key }) };
  await using running = await startServer({ env });
  const { started, release } = holdReads(running, 4);
  await using alice = await RoomClient.join(running, "r");
  const reads = range(1, 14).map(() => read(running, "alice", "r/messages"));
  const refused: Response[] = [];
  for (const response of reads) void response.then((answer) => refused.push(answer));
  await eventually(() => Promise.resolve(refused), ({ length }) => length === 8);
  for (const { status, headers } of refused) assertEquals([status, headers.get("retry-after")], [429, "1"]);
  const answer = await alice.request({ type: "history", id: freshId(), after: 0, limit: 1 });
  assert(answer.type === "error" && answer.code === "rate_limited", JSON.stringify(answer));
  assertEquals(answer.retry_after_ms, 1000);
  assertEquals(started.length, 2);
  release();
  const statuses = (await Promise.all(reads)).map(({ status }) => status).sort();
  assertEquals(statuses, [...Array(6).fill(200), ...Array(8).fill(429)]);
  assertEquals((await read(running, "alice", "r/messages")).status, 200);
  const metrics = await fetch(`${running.origin}/realtime/metrics`, { headers: { apikey: key } });
  assertStringIncludes(await metrics.text(), 'realtime_refusals_total{code="rate_limited"} 8\n');
});
