/**
 * Messages that are never finished. Deno shows JavaScript whole messages only and collects the rest
 * without a bound (docs/deploy.md), so what is tested is what protects others.
 */
import { assertEquals, assertGreater } from "@std/assert";
import { deadline } from "@std/async";
import { eventually } from "../../tools/support/eventually.ts";
import { openUpgraded } from "../../tools/support/wire/upgraded_connection.ts";
import { closeQuietly, writeAll } from "../../tools/support/wire/tcp_connection.ts";
import { encodeClientFrame, FrameDecoder } from "../../tools/support/wire/websocket_frames.ts";
import { HOSTILE_PATIENCE_MS } from "../../tools/support/wire/tcp_member.ts";
import { closeCode, OPCODE } from "../../tools/support/wire/wire_frame.ts";
import { CAN_MEASURE, report, type RoomProcess, startRoomProcess } from "./room_process.ts";

const MEBIBYTE = new Uint8Array(1_048_576).fill(97);

/** Ways to send bytes of a message that never ends. */
const UNFINISHED: Readonly<Record<string, (mebibytes: number) => Generator<Uint8Array>>> = {
  *"fragments without end"(mebibytes) {
    for (let sent = 0; sent < mebibytes; sent++) {
      yield encodeClientFrame(sent === 0 ? OPCODE.text : OPCODE.continuation, MEBIBYTE, false);
    }
  },
  *"a frame that declares more than it brings"(mebibytes) {
    const head = new Uint8Array(14);
    head[0] = 0x81;
    head[1] = 0xff;
    new DataView(head.buffer).setBigUint64(2, BigInt((mebibytes + 1) * MEBIBYTE.length));
    yield head;
    for (let sent = 0; sent < mebibytes; sent++) yield MEBIBYTE;
  },
};

/** Sends an unfinished message over a connection of its own. */
async function sendUnfinished(url: string, chunks: Iterable<Uint8Array>): Promise<Deno.TcpConn> {
  const { connection } = await openUpgraded(url, { timeoutMs: HOSTILE_PATIENCE_MS });
  for (const chunk of chunks) await writeAll(connection, chunk);
  return connection;
}

async function readiness({ process }: RoomProcess): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${process.port}/realtime/health/ready`);
  return (await response.json()).status;
}

for (const [what, chunks] of Object.entries(UNFINISHED)) {
  Deno.test(`memory full of ${what} refuses new sockets and readiness until it is free again (2.6)`, {
    ignore: !CAN_MEASURE,
  }, async () => {
    await using rooms = await startRoomProcess({ ADMIT_BELOW_MB: "260" });
    const [member] = await rooms.join("room");
    await using bystander = member;
    assertEquals(await readiness(rooms), "ready");
    const before = await rooms.memoryMiB();
    // Deno takes at most 64 MiB in one frame.
    const connections = await Promise.all(
      Array.from({ length: 5 }, async () => await sendUnfinished(await rooms.url("room"), chunks(59))),
    );
    await eventually(() => readiness(rooms), (status) => status === "short_of_memory");
    const full = await rooms.memoryMiB();
    assertGreater(full, 260);
    const refused = await rooms.join("room").then(() => "joined", String);
    assertGreater(refused.indexOf(" 503 "), 0, refused);
    await bystander.request({ type: "ping", id: "still here" });
    connections.forEach(closeQuietly);
    await eventually(() => readiness(rooms), (status) => status === "ready");
    const [late] = await rooms.join("room");
    await late.close();
    report(`${before} MiB before, ${full} MiB when full`);
  });
}

Deno.test("a realtime.v1 client that never finishes a message is closed with 4408, and counts until it has gone (9.3)", async () => {
  await using rooms = await startRoomProcess({ HEARTBEAT_MS: "300" });
  const { connection } = await openUpgraded(await rooms.url("room"), {
    headerLines: ["Sec-WebSocket-Protocol: realtime.v1"],
    timeoutMs: HOSTILE_PATIENCE_MS,
  });
  const connections = async () => {
    const response = await fetch(`http://127.0.0.1:${rooms.process.port}/realtime/health`);
    return Number((await response.json()).connections);
  };
  try {
    const first = encodeClientFrame(OPCODE.text, new Uint8Array(10), false);
    await writeAll(connection, first);
    const fragments = setInterval(() => {
      void connection.write(encodeClientFrame(OPCODE.continuation, new Uint8Array(10), false)).catch(
        () => {},
      );
    }, 50);
    try {
      assertEquals(await deadline(readCloseCode(connection), HOSTILE_PATIENCE_MS), 4408);
    } finally {
      clearInterval(fragments);
    }
    assertEquals(await connections(), 1, "its connection is still there");
  } finally {
    closeQuietly(connection);
  }
  await eventually(connections, (count) => count === 0);
});

/** Reads frames up to the server's close frame; returns its code. */
async function readCloseCode(connection: Deno.TcpConn): Promise<number> {
  const decoder = new FrameDecoder();
  const chunk = new Uint8Array(4_096);
  for (;;) {
    const read = await connection.read(chunk);
    if (read === null) throw new Error("The connection ended without a close frame.");
    for (const frame of decoder.push(chunk.slice(0, read))) {
      if (frame.opcode === OPCODE.close) return closeCode(frame);
    }
  }
}
