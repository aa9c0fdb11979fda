import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { eventually } from "../../tools/support/eventually.ts";
import { Chat } from "./chat.ts";
import { CAN_MEASURE, report, startRoomProcess } from "./room_process.ts";
import type { TcpMember } from "../../tools/support/wire/tcp_member.ts";

/** Limits above the chat's rate and far below a flood's. */
const LIMITED = { FRAMES_PER_SECOND: "1000", FRAMES_BURST: "500" } as const;
const FLOOD = 100_000;
const AT_ONCE = 100;
const MAX_MEMORY_MIB = 100;

/** Sends at full speed until the server ends the connection, or all is sent. */
async function flood(member: TcpMember, text: string): Promise<void> {
  try {
    for (let sent = 0; sent < FLOOD; sent += AT_ONCE) {
      await member.sendTexts(Array.from({ length: AT_ONCE }, () => text));
    }
  } catch (error) {
    if (!ENDINGS.some((Ending) => error instanceof Ending)) throw error;
  }
}

/** Errors of a write after the server has closed the connection. */
const ENDINGS = [
  Deno.errors.BadResource,
  Deno.errors.BrokenPipe,
  Deno.errors.ConnectionReset,
  Deno.errors.Interrupted,
];

const FLOODS: Readonly<Record<string, string>> = {
  "pings": '{"type":"ping","id":"flood"}',
  "publishes": '{"type":"publish","id":"flood","event":"flood","data":"flood"}',
  "ephemeral messages": '{"type":"publish","id":"flood","event":"flood","data":"flood","ephemeral":true}',
  "history requests": '{"type":"history","id":"flood","before":1000,"limit":500}',
  "changes of presence": '{"type":"presence","id":"flood","state":{}}',
  "malformed frames": "{",
  "arrays": '[{"type":"ping","id":"flood"}]',
  "empty arrays": "[]",
};

Deno.test("a flood at full speed is closed with 4429, whatever it is made of, and others notice nothing (10.2)", async (t) => {
  await using rooms = await startRoomProcess(LIMITED);
  await using chat = await Chat.start(rooms, "room");
  const before = CAN_MEASURE ? await rooms.memoryMiB() : 0;
  for (const [what, text] of Object.entries(FLOODS)) {
    await t.step(what, async () => {
      const [member] = await rooms.join("room", { user: what });
      await using hostile = member;
      await flood(hostile, text);
      // The client may see 1006: its later writes reset the connection.
      await hostile.ended;
      const ended = await eventually(
        () => Promise.resolve(rooms.logged("socket.close").find(({ user }) => user === what)),
        (line) => line !== undefined,
      );
      assertEquals(ended?.["code"], 4429);
    });
  }
  const { said, slowestMs } = await chat.end();
  assertGreater(said, 0);
  assertLess(slowestMs, 2_000);
  assertEquals(rooms.process.stderr, "");
  if (!CAN_MEASURE) return;
  const peak = await rooms.peakMiB();
  report(
    `${before} MiB before, ${peak} MiB at most; the slowest of ${said} took ${Math.round(slowestMs)} ms`,
  );
  assertLess(peak - before, MAX_MEMORY_MIB);
});

for (
  const [what, frame] of Object.entries({
    "pings": { type: "ping" },
    "changes of presence": { type: "presence", state: {} },
    "history requests": { type: "history", after: 0, limit: 1 },
  })
) {
  Deno.test(`${what} that continue are refused for ten bursts, then closed with 4429 and a wait (10.2)`, async () => {
    await using rooms = await startRoomProcess({ FRAMES_PER_SECOND: "10", FRAMES_BURST: "200" });
    const [member] = await rooms.join("room");
    await using hostile = member;
    for (let batch = 0; batch < 25; batch++) {
      const id = `batch ${batch}`;
      const ids = Array.from({ length: AT_ONCE }, (_, index) => index === AT_ONCE - 1 ? id : "flood");
      await hostile.sendTexts(ids.map((id) => JSON.stringify({ ...frame, id })));
      const answer = await hostile.answer(id).catch(() => undefined);
      if (!answer) break;
    }
    assertEquals(await hostile.ended, 4429);
    const errors = hostile.frames.flatMap((frame) => frame.type === "error" ? [frame] : []);
    assertEquals(new Set(errors.map(({ code }) => code)), new Set(["rate_limited"]));
    assertGreater(errors.length, 2_000);
    assertEquals(errors.at(-1)?.retry_after_ms, 10_000);
  });
}

const BURST = 2_000;

for (
  const [what, frame] of Object.entries({
    "arrays of one ping": [{ type: "ping", id: "one" }],
    "history requests": { type: "history", id: "one", after: 0, limit: 1 },
    "changes of presence": { type: "presence", id: "one", state: {} },
  })
) {
  Deno.test(`as many ${what} at once as the burst allows are all answered (5.7, 10.1)`, async () => {
    await using rooms = await startRoomProcess();
    const [member] = await rooms.join("room");
    await using busy = member;
    await busy.sendTexts(Array.from({ length: BURST }, () => JSON.stringify(frame)));
    await busy.request({ type: "ping", id: "last" });
    assertEquals(busy.frames.filter((answer) => "id" in answer && answer.id === "one").length, BURST);
  });
}
