import { assert, assertEquals, assertLess } from "@std/assert";
import type { ServerFrame } from "../../packages/server/src/schemas/server_frames.ts";
import { OPCODE } from "../../tools/support/wire/raw_socket.ts";
import { Chat } from "./chat.ts";
import { type Malformed, malformed } from "../../tools/support/wire/malformed_frames.ts";
import { CAN_MEASURE, report, type RoomProcess, startRoomProcess } from "./room_process.ts";
import { SeededRandom } from "../../tools/support/seeded_random.ts";
import type { TcpMember } from "../../tools/support/wire/tcp_member.ts";

const SEED = 20_261_123;
const FRAMES = 10_000;
/** Size of a batch; the pong of a ping behind it shows that every answer has arrived. */
const BATCH = 100;
const MAX_MEMORY_MIB = 100;
const LONGEST_DELAY_MS = 2_000;

type ErrorFrame = Extract<ServerFrame, { type: "error" }>;

/** Sends malformed messages, and compares every answer with the expected one. */
async function sendMalformed(
  member: TcpMember,
  messages: readonly Malformed[],
  isPlain: boolean,
): Promise<void> {
  for (let start = 0; start < messages.length; start += BATCH) {
    const batch = messages.slice(start, start + BATCH);
    const before = member.frames.length;
    for (const { text } of batch) void member.sendText(text);
    await member.request({ type: "ping", id: `done ${start}` });
    const errors = member.frames.slice(before).filter((frame): frame is ErrorFrame => frame.type === "error");
    assertEquals(new Set(errors.map(({ code }) => code)), new Set(["invalid_frame"]));
    let next = 0;
    for (const { text, answers, id } of batch) {
      const owed = isPlain ? 1 : answers;
      const own = errors.slice(next, next + owed);
      next += owed;
      const isArray = text.startsWith("[");
      if (id === undefined || isArray) continue;
      assertEquals(own[0]?.id ?? null, id, text);
    }
    assertEquals(errors.length, next, `${batch.map(({ text }) => text).join("\n")}`);
  }
}

async function sendBinaries(rooms: RoomProcess): Promise<void> {
  for (let count = 0; count < 20; count++) {
    const [member] = await rooms.join("chat", { user: "mallory", plain: count % 2 === 0 });
    await using closing = member;
    await closing.sendFrame(OPCODE.binary, crypto.getRandomValues(new Uint8Array(count * 100)));
    assertEquals(await closing.ended, 1003);
  }
}

Deno.test("10,000 malformed frames are answered one by one, and the room continues to chat", async () => {
  await using rooms = await startRoomProcess();
  const random = new SeededRandom(SEED);
  const messages = Array.from({ length: FRAMES }, () => malformed(random));
  await using chat = await Chat.start(rooms, "chat");
  const [v1] = await rooms.join("chat", { user: "mallory" });
  const [plain] = await rooms.join("chat", { user: "mallory", plain: true });
  await using hostile = v1;
  await using plainHostile = plain;
  const before = CAN_MEASURE ? await rooms.memoryMiB() : 0;
  await Promise.all([
    sendMalformed(hostile, messages.slice(0, FRAMES / 2), false),
    sendMalformed(plainHostile, messages.slice(FRAMES / 2), true),
    sendBinaries(rooms),
  ]);
  const { said, slowestMs } = await chat.end();
  assert(said > 10, `only ${said} were said meanwhile`);
  assertLess(slowestMs, LONGEST_DELAY_MS);
  assertEquals(rooms.process.stderr, "");
  if (!CAN_MEASURE) return;
  const peak = await rooms.peakMiB();
  report(
    `${before} MiB before, ${peak} MiB at most; the slowest of ${said} messages took ${
      Math.round(slowestMs)
    } ms`,
  );
  assertLess(peak - before, MAX_MEMORY_MIB);
});

Deno.test("an empty array is answered with invalid_frame, so that it counts (3.5, 10.1)", async () => {
  await using rooms = await startRoomProcess();
  const [member] = await rooms.join("room");
  await using hostile = member;
  await hostile.sendText("[]");
  const first = await hostile.request({ type: "ping", id: "after" }).then(() =>
    hostile.frames.find(({ type }) => type === "error" || type === "pong")
  );
  assertEquals(first?.type === "error" && first.code, "invalid_frame");
});

Deno.test("text that is not UTF-8 costs its sender's connection and nobody else's", async () => {
  await using rooms = await startRoomProcess();
  await using chat = await Chat.start(rooms, "chat");
  const [member] = await rooms.join("chat", { user: "mallory" });
  await using hostile = member;
  await hostile.sendFrame(OPCODE.text, new Uint8Array([0x22, 0xff, 0xc0, 0x22]));
  const code = await hostile.ended;
  assert(code === 1007 || code === 1006 || code === 1002, `closed with ${code}`);
  const { said } = await chat.end();
  assert(said > 0);
  assertEquals(rooms.process.stderr, "");
});

Deno.test("an error carries an id of 64 characters, whatever characters they are (3.5, 12.1)", async () => {
  await using rooms = await startRoomProcess();
  const [member] = await rooms.join("room");
  await using hostile = member;
  const id = "😀".repeat(64);
  assertEquals(await hostile.request({ type: "publish", id, event: "e", data: 1 }), {
    type: "ack",
    id,
    offset: 1,
  });
  await hostile.send({ type: "publish", id, event: "e" });
  await hostile.request({ type: "ping", id: "after" });
  const errors = hostile.frames.flatMap((frame) =>
    frame.type === "error" ? [[frame.code, frame.field, frame.id]] : []
  );
  assertEquals(errors, [["invalid_frame", "data", id]]);
});
