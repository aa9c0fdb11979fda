import { assert, assertEquals, assertLess } from "@std/assert";
import type { Socket, SocketHandlers } from "../../packages/server/src/socket/socket.ts";
import { kernelBufferBytes } from "../support/kernel_buffers.ts";
import { closeCode, OPCODE, RawSocket, textFrame } from "../../tools/support/wire/raw_socket.ts";
import { SocketClient } from "../../tools/support/wire/socket_client.ts";
import { startSocketEndpoint } from "../support/socket_endpoint.ts";
import { Trace } from "../support/trace.ts";

/** Answers each message with its length. */
const measure: SocketHandlers = {
  onMessage: (socket, data) =>
    void socket.send(String(typeof data === "string" ? data.length : data.byteLength)),
};

/** Messages that fill a frame of exactly `bytes`, and the length that `measure` answers. */
const FILLED: Readonly<Record<string, (bytes: number) => readonly [string | ArrayBuffer, length: number]>> = {
  "ASCII text": (bytes) => ["a".repeat(bytes), bytes],
  "text of two-byte characters": (
    bytes,
  ) => ["ä".repeat(bytes >> 1) + "a".repeat(bytes & 1), (bytes + 1) >> 1],
  "text of three-byte characters": (bytes) => {
    const text = "€".repeat(Math.floor(bytes / 3)) + "a".repeat(bytes % 3);
    return [text, text.length];
  },
  "text of four-byte characters": (bytes) => {
    const text = "😀".repeat(bytes >> 2) + "a".repeat(bytes & 3);
    return [text, text.length];
  },
  "binary": (bytes) => [new Uint8Array(bytes).buffer, bytes],
};

for (const [what, fill] of Object.entries(FILLED)) {
  for (const maxFrameBytes of [1_000, 65_536]) {
    Deno.test(`${what} of ${maxFrameBytes} bytes passes MAX_FRAME_BYTES=${maxFrameBytes}, one more closes with 1009`, async () => {
      await using running = await startSocketEndpoint(measure, {
        env: { MAX_FRAME_BYTES: String(maxFrameBytes) },
      });
      await using client = await SocketClient.open(await running.socketUrl("/x"));
      const [exact, length] = fill(maxFrameBytes);
      client.send(exact);
      assertEquals(await client.next(), String(length));
      client.send(fill(maxFrameBytes + 1)[0]);
      const { code, reason } = await client.closed();
      assertEquals({ code, reason }, { code: 1009, reason: `a frame may have ${maxFrameBytes} bytes` });
    });
  }
}

Deno.test("MAX_QUEUED_FRAMES may queue behind a running handler, one more closes with 4429", async () => {
  const seen = new Trace();
  const gate = Promise.withResolvers<void>();
  await using running = await startSocketEndpoint({
    onMessage(_socket, data) {
      seen.add(String(data));
      return gate.promise;
    },
    onClose: (_socket, { code }) => seen.add(`closed ${code}`),
  }, { env: { MAX_QUEUED_FRAMES: "3" } });
  await using patient = await SocketClient.open(await running.socketUrl("/x"));
  using flood = await RawSocket.open(await running.socketUrl("/x"));
  await flood.send(...["handled", "1", "2", "3"].map(textFrame));
  await flood.untilTakenIn();
  assertEquals(seen.entries, ["handled"]);
  await flood.send(textFrame("4"), textFrame("5"));
  const error = await flood.read();
  assertEquals(error && JSON.parse(new TextDecoder().decode(error.payload)).retry_after_ms, 10_000);
  const close = await flood.read();
  assertEquals(close?.opcode, OPCODE.close);
  assertEquals(close && closeCode(close), 4429);
  gate.resolve();
  flood.abort();
  await seen.until("closed 4429");
  assertEquals(seen.entries, ["handled", "closed 4429"]);
  patient.send("not meant");
  await seen.until("not meant");
});

Deno.test("MAX_QUEUED_FRAMES queued frames are all handled", async () => {
  const seen = new Trace();
  const gate = Promise.withResolvers<void>();
  await using running = await startSocketEndpoint({
    onMessage(_socket, data) {
      seen.add(String(data));
      return gate.promise;
    },
  }, { env: { MAX_QUEUED_FRAMES: "3" } });
  using client = await RawSocket.open(await running.socketUrl("/x"));
  await client.send(...["0", "1", "2", "3"].map(textFrame));
  await client.untilTakenIn();
  gate.resolve();
  await seen.until("3");
  assertEquals(seen.entries, ["0", "1", "2", "3"]);
});

const MEBIBYTE = 1_048_576;

Deno.test("a peer that does not read is closed with 1013 at MAX_BUFFERED_BYTES, and nothing more is buffered", async () => {
  const opened = Promise.withResolvers<Socket>();
  await using running = await startSocketEndpoint({ onOpen: (socket) => opened.resolve(socket) }, {
    env: { MAX_BUFFERED_BYTES: String(MEBIBYTE) },
  });
  using sleeper = await RawSocket.open(await running.socketUrl("/x"));
  await using pacer = await SocketClient.open(await running.socketUrl("/echo"));
  const socket = await opened.promise;
  const frame = new Uint8Array(65_536);
  const most = await kernelBufferBytes() + MEBIBYTE + 2 * frame.length;
  let accepted = 0;
  while (accepted <= most && socket.send(frame)) {
    accepted += frame.length;
    // A round trip on another socket gives the runtime time to write.
    pacer.send("pace");
    await pacer.next();
  }
  assertLess(accepted, most);
  assert(!socket.isOpen);
  assertEquals(socket.send("late"), false);

  // The peer reads again: it gets all accepted data, then the close.
  let received = 0;
  for (;;) {
    const next = await sleeper.read();
    if (next?.opcode !== OPCODE.binary) {
      assertEquals(next?.opcode, OPCODE.close);
      assertEquals(next && closeCode(next), 1013);
      break;
    }
    received += next.payload.length;
  }
  assertEquals(received, accepted);
});

Deno.test("a burst within one tick is closed at MAX_BUFFERED_BYTES too", async () => {
  const done = Promise.withResolvers<number>();
  const frame = "a".repeat(10_000);
  await using running = await startSocketEndpoint({
    onMessage(socket) {
      let sent = 0;
      while (sent < 10_000 && socket.send(frame)) sent++;
      done.resolve(sent);
    },
  }, { env: { MAX_BUFFERED_BYTES: "100000" } });
  using client = await RawSocket.open(await running.socketUrl("/x"));
  await client.send(textFrame("go"));
  assertLess(await done.promise, 2_000);
});

Deno.test("sending on a closed socket returns false and does nothing", async () => {
  const outcomes = Promise.withResolvers<unknown[]>();
  const retained: Socket[] = [];
  await using running = await startSocketEndpoint({
    onOpen: (socket) => void retained.push(socket),
    onMessage(socket) {
      socket.close(4000, "over");
      retained.push(socket);
    },
    onClose(socket) {
      outcomes.resolve([
        socket.send("text"),
        socket.send(new Uint8Array(1)),
        socket.sendJson({}),
        socket.sendError("internal"),
        socket.close(4001),
        socket.isOpen,
      ]);
    },
  });
  await using client = await SocketClient.open(await running.socketUrl("/x"));
  client.send("close");
  assertEquals(await client.closed(), { code: 4000, reason: "over" });
  assertEquals(await outcomes.promise, [false, false, false, false, undefined, false]);
  assertEquals(retained[0]?.send("long after"), false);
});

/** Reasons, and their part that fits a close frame: 123 bytes of whole characters. */
const REASONS: readonly (readonly [string, string])[] = [
  ["a".repeat(123), "a".repeat(123)],
  ["a".repeat(124), "a".repeat(123)],
  ["ä".repeat(100), "ä".repeat(61)],
  ["€".repeat(100), "€".repeat(41)],
  ["😀".repeat(40), "😀".repeat(30)],
  ["a" + "😀".repeat(40), "a" + "😀".repeat(30)],
];

for (const [given, sent] of REASONS) {
  Deno.test(`a close reason of ${given.length} times ${[...given].at(-1)} is cut to 123 bytes`, async () => {
    await using running = await startSocketEndpoint({ onMessage: (socket) => socket.close(4000, given) });
    await using client = await SocketClient.open(await running.socketUrl("/x"));
    client.send("close");
    assertEquals(await client.closed(), { code: 4000, reason: sent });
  });
}

Deno.test("a close without a code sends 1000", async () => {
  await using running = await startSocketEndpoint({ onMessage: (socket) => socket.close() });
  await using client = await SocketClient.open(await running.socketUrl("/x"));
  client.send("close");
  assertEquals(await client.closed(), { code: 1000, reason: "" });
});
