/** Invalid addresses and options fail at once with an error that names them. */
import { assertEquals, assertThrows } from "@std/assert";
import { parseRoomAddress } from "../../packages/client/connection/addresses.ts";
import { createRoom } from "../../packages/client/mod.ts";
import type { RoomOptions } from "../../packages/client/options.ts";
import { resolveOptions } from "../../packages/client/resolve_options.ts";

const token = () => "token";

Deno.test("a room's address says where its socket, whoami and events are", () => {
  const hosted = parseRoomAddress("https://p.supabase.co/functions/v1/realtime/rooms/lobby");
  assertEquals(Object.values(hosted).map(String), [
    "wss://p.supabase.co/functions/v1/realtime/rooms/lobby",
    "https://p.supabase.co/functions/v1/realtime/whoami",
    "https://p.supabase.co/functions/v1/realtime/rooms/lobby/events",
  ]);
  const local = parseRoomAddress("ws://127.0.0.1:8000/realtime/tables/a:b~c");
  assertEquals(String(local.socket), "ws://127.0.0.1:8000/realtime/tables/a:b~c");
  assertEquals(String(local.whoami), "http://127.0.0.1:8000/realtime/whoami");
});

Deno.test("what is no room's address is refused, and shown", () => {
  for (
    const address of [
      "",
      "/realtime/rooms/lobby",
      "ftp://host/realtime/rooms/lobby",
      "https://host",
      "https://host/lobby",
      "https://host/realtime/rooms/",
      "https://host/realtime/rooms/lobby?after=1",
      "https://host/realtime/rooms/lobby#x",
    ]
  ) {
    assertThrows(() => parseRoomAddress(address), TypeError, address);
  }
});

const WRONG: readonly [Partial<Record<keyof RoomOptions, unknown>>, string][] = [
  [{ token: "eyJ" }, "token must be a function"],
  [{ history: 501 }, "history must be a whole number from 0 to 500"],
  [{ history: 1.5 }, "history must be"],
  [{ history: 5, resume: { epoch: "e", offset: 1 } }, "history excludes resume"],
  [{ outbox: { limit: -1 } }, "outbox.limit must be"],
  [{ retry: { minMs: 0 } }, "retry.minMs must be"],
  [{ retry: { minMs: 100, maxMs: 99 } }, "retry.maxMs must be a whole number from 100"],
  [{ timeouts: { probeMs: NaN } }, "timeouts.probeMs must be"],
  [{ timeouts: { tokenMs: "1" } }, "timeouts.tokenMs must be"],
  [{ timeouts: { connectMs: 0 } }, "timeouts.connectMs must be"],
  [{ iteratorLimit: 0 }, "iteratorLimit must be"],
];

for (const [wrong, text] of WRONG) {
  Deno.test(`${JSON.stringify(wrong)} is refused: ${text}`, () => {
    const options = { token, ...wrong } as RoomOptions;
    assertThrows(() => createRoom("https://host/realtime/rooms/lobby", options), TypeError, text);
  });
}

Deno.test("without options the defaults of the docs hold", () => {
  const { timing, iteratorLimit, outbox, tokenPlace, history, resume } = resolveOptions({ token });
  assertEquals(timing, {
    tokenMs: 30_000,
    connectMs: 10_000,
    probeMs: 4_000,
    retry: { minMs: 500, maxMs: 30_000 },
  });
  assertEquals([iteratorLimit, outbox.limit, tokenPlace, history, resume], [
    10_000,
    1_000,
    "subprotocol",
    0,
    null,
  ]);
});

Deno.test("a room can be created where there is no WebSocket, and says so when it is opened", () => {
  const { WebSocket } = globalThis;
  Reflect.deleteProperty(globalThis, "WebSocket");
  try {
    const room = createRoom("https://host/realtime/rooms/lobby", { token });
    assertEquals(room.state, { type: "idle" });
    assertThrows(() => room.open(), TypeError, "There is no WebSocket");
  } finally {
    Object.assign(globalThis, { WebSocket });
  }
});
