import { assert, assertEquals, assertFalse, assertGreater } from "@std/assert";
import { MemoryWatch, residentMemory, usedMemory } from "../../packages/server/src/socket/memory_watch.ts";
import { HANDSHAKE, rawGet } from "../../tools/support/wire/raw_request.ts";
import { RoomClient } from "../support/room_client.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";

Deno.test("memory is read at most four times a second, and each shortage is reported once", () => {
  let now = 0, used = 10, reads = 0;
  const reported: number[] = [];
  const watch = new MemoryWatch({
    maxBytes: 100,
    now: () => now,
    usedBytes: () => (reads++, used),
    onShort: (bytes) => reported.push(bytes),
  });
  assertFalse(watch.isShort);
  used = 101;
  now = 249;
  assertFalse(watch.isShort);
  now = 250;
  assert(watch.isShort);
  used = 100;
  now = 499;
  assert(watch.isShort);
  now = 500;
  assertFalse(watch.isShort);
  used = 102;
  now = 750;
  assert(watch.isShort);
  now = 1_000;
  assert(watch.isShort);
  assertEquals([reads, reported], [5, [101, 102]]);
});

Deno.test("a hosted isolate counts memory that V8 holds outside its heap", () => {
  const before = usedMemory();
  const held = new Uint8Array(50_000_000).fill(1);
  assertGreater(usedMemory() - before, 40_000_000);
  assertEquals(held.length, 50_000_000);
});

/** Status and code of the answer to an upgrade. */
async function tryConnect({ port, issuer }: RunningServer): Promise<readonly [number, unknown]> {
  const token = await issuer.token("bob");
  const { status, body } = await rawGet(port, `/realtime/echo?token=${token}`, HANDSHAKE);
  return [status, status === 101 ? undefined : JSON.parse(body).code];
}

/** Status of `/health/ready`, in the header and in the body. */
async function readiness({ origin }: RunningServer): Promise<readonly [number, unknown]> {
  const response = await fetch(`${origin}/realtime/health/ready`);
  return [response.status, (await response.json()).status];
}

Deno.test("without memory for more, an upgrade and readiness get 503, a line names the bound, and open sockets stay", async () => {
  await using running = await startServer();
  await using alice = await RoomClient.join(running, "r");
  await using short = await startServer({ env: { ADMIT_BELOW_MB: "16" }, issuer: running.issuer });
  assertEquals(await tryConnect(short), [503, "overloaded"]);
  assertEquals(await readiness(short), [503, "short_of_memory"]);
  assertEquals(await readiness(running), [200, "ready"]);
  const [line, ...more] = await short.logged("isolate.short_of_memory");
  assertEquals([line?.["level"], line?.["admit_below_mb"], more], ["warn", 16, []]);
  assertGreater(Number(line?.["used_mb"]), 16);
  alice.send({ type: "ping", id: "p" });
  assertEquals((await alice.next("pong")).type, "pong");
});

Deno.test("a standalone process counts its resident memory, a hosted isolate only its own", async () => {
  const [own, resident] = [usedMemory(), residentMemory()];
  assertGreater(resident, own + 20_000_000);
  const env = { ADMIT_BELOW_MB: String(Math.round((own + resident) / 2e6)) };
  await using standalone = await startServer({ env });
  assertEquals(await tryConnect(standalone), [503, "overloaded"]);
  await using hosted = await startServer({ env: { ...env, SB_EXECUTION_ID: "hosted" } });
  assertEquals((await tryConnect(hosted))[0], 101);
  assertEquals(await readiness(hosted), [200, "ready"]);
});
