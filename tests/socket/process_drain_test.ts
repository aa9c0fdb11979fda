import { assert, assertEquals, assertGreater, assertGreaterOrEqual } from "@std/assert";
import { deadline } from "@std/async";
import {
  type FunctionProcess,
  startFunctionProcess,
} from "../../tools/support/processes/function_process.ts";
import { createIssuer, type Issuer } from "../../packages/cli/dev/issuer.ts";
import { HANDSHAKE, rawGet } from "../../tools/support/wire/raw_request.ts";
import { RawSocket, requestHead } from "../../tools/support/wire/raw_socket.ts";
import { PATIENCE_MS, SocketClient } from "../../tools/support/wire/socket_client.ts";

const HOSTED = new URL("../../tools/support/processes/hosted_entry.ts", import.meta.url);

interface Started extends AsyncDisposable {
  readonly process: FunctionProcess;
  readonly issuer: Issuer;
  readonly url: string;
}

async function start(env: Readonly<Record<string, string>>, entry?: URL): Promise<Started> {
  const issuer = await createIssuer();
  const process = await startFunctionProcess({
    env: { SUPABASE_JWKS: JSON.stringify(issuer.jwks), LOG_BUDGET: "100000", ...env },
    ...(entry ? { entry } : {}),
  });
  const url = `ws://127.0.0.1:${process.port}/realtime/echo?token=${await issuer.token("alice")}`;
  return { process, issuer, url, [Symbol.asyncDispose]: () => process[Symbol.asyncDispose]() };
}

async function openMany(url: string, count: number): Promise<SocketClient[]> {
  return await Promise.all(Array.from({ length: count }, () => SocketClient.open(url)));
}

/** Waits until all close with 1012; returns the milliseconds between the first and the last. */
async function closeSpan(clients: readonly SocketClient[]): Promise<number> {
  const times = await Promise.all(clients.map(async (client) => {
    const { code } = await client.closed();
    assertEquals(code, 1012);
    return performance.now();
  }));
  return Math.max(...times) - Math.min(...times);
}

async function assertRefusesUpgrades({ process, issuer }: Started): Promise<void> {
  const token = await issuer.token("bob");
  const refusal = await rawGet(process.port, `/realtime/echo?token=${token}`, HANDSHAKE);
  assertEquals(refusal.status, 503);
  assertEquals(JSON.parse(refusal.body).code, "overloaded");
}

Deno.test("hosted, beforeunload with wall_clock spreads the closes over DRAIN_SECONDS", async () => {
  await using started = await start({ UNLOAD_REASON: "wall_clock", DRAIN_SECONDS: "2" }, HOSTED);
  const { process, url } = started;
  const clients = await openMany(url, 40);
  await process.logged("host.wait_until");
  process.signal("SIGUSR2");
  const draining = await process.logged("isolate.draining");
  assertEquals([draining["reason"], draining["within_ms"]], ["wall_clock", 2000]);
  await assertRefusesUpgrades(started);
  assertGreater(await closeSpan(clients), 1000);
  await process.logged("host.settled");
  assertEquals((await process.logged("isolate.drained"))["connections_left"], 0);
});

for (const reason of ["cpu", "early_drop", "termination"]) {
  Deno.test(`hosted, beforeunload with ${reason} closes all sockets at once`, async () => {
    await using started = await start({ UNLOAD_REASON: reason, DRAIN_SECONDS: "600" }, HOSTED);
    const { process, url } = started;
    const clients = await openMany(url, 20);
    process.signal("SIGUSR2");
    const draining = await process.logged("isolate.draining");
    assertEquals([draining["reason"], draining["within_ms"]], [reason, 0]);
    await closeSpan(clients);
    await process.logged("host.settled");
    await assertRefusesUpgrades(started);
  });
}

Deno.test("hosted, beforeunload with memory closes all sockets within a second", async () => {
  await using started = await start({ UNLOAD_REASON: "memory", DRAIN_SECONDS: "600" }, HOSTED);
  const { process, url } = started;
  const clients = await openMany(url, 20);
  process.signal("SIGUSR2");
  assertEquals((await process.logged("isolate.draining"))["within_ms"], 1000);
  await closeSpan(clients);
  await process.logged("host.settled");
});

Deno.test("hosted, waitUntil is called when the first socket opens, not before, and not again", async () => {
  await using started = await start({}, HOSTED);
  const { process, url } = started;
  const waits = () => process.stdout.filter((line) => line.includes("host.wait_until")).length;
  assertEquals((await rawGet(process.port, "/realtime/health")).status, 200);
  assertEquals(waits(), 0);
  const clients = await openMany(url, 3);
  await process.logged("host.wait_until");
  for (const client of clients) client.close();
  await process.logged("host.settled");
  assertEquals(waits(), 1);
});

Deno.test("SIGTERM closes the sockets with 1012 over DRAIN_SECONDS, refuses new ones, and ends with 0", async () => {
  await using started = await start({ DRAIN_SECONDS: "2" });
  const { process, url } = started;
  const clients = await openMany(url, 40);
  process.signal("SIGTERM");
  const draining = await process.logged("isolate.draining");
  assertEquals([draining["reason"], draining["within_ms"]], ["SIGTERM", 2000]);
  await assertRefusesUpgrades(started);
  assertGreaterOrEqual(await closeSpan(clients), 1000);
  assertEquals((await deadline(process.status, PATIENCE_MS)).code, 0);
  assertEquals(process.stderr, "");
});

Deno.test("SIGINT closes the sockets with 1012 at once and ends with 0", async () => {
  await using started = await start({ DRAIN_SECONDS: "600" });
  const { process, url } = started;
  const clients = await openMany(url, 10);
  process.signal("SIGINT");
  await closeSpan(clients);
  assertEquals((await deadline(process.status, PATIENCE_MS)).code, 0);
});

Deno.test("a peer that never answers the close does not keep a process from ending with 0", async () => {
  await using started = await start({});
  using _silent = await RawSocket.open(started.url);
  started.process.signal("SIGINT");
  assertEquals((await deadline(started.process.status, PATIENCE_MS)).code, 0);
});

Deno.test("a second signal ends the process at once, with 1", async () => {
  await using started = await start({ DRAIN_SECONDS: "600" });
  const clients = await openMany(started.url, 30);
  started.process.signal("SIGTERM");
  await started.process.logged("isolate.draining");
  started.process.signal("SIGINT");
  assertEquals((await deadline(started.process.status, PATIENCE_MS)).code, 1);
  const codes = (await Promise.all(clients.map((client) => client.closed()))).map(({ code }) => code);
  assert(codes.includes(1006) || codes.includes(0), String(codes));
});

Deno.test("peers that left before their upgrade do not keep a process from ending with 0", async () => {
  const issuer = await createIssuer();
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  // The process waits for the project's key set while the peers leave.
  await using project = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: listening }, async () => {
    asked.resolve();
    await answer.promise;
    return Response.json(issuer.jwks);
  });
  await using process = await startFunctionProcess({
    env: { SUPABASE_URL: `http://127.0.0.1:${project.addr.port}`, DRAIN_SECONDS: "0" },
  });
  const head = requestHead(`/realtime/echo?token=${await issuer.token("alice")}`);
  for (let attempt = 0; attempt < 5; attempt++) {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: process.port });
    await connection.write(head);
    await deadline(asked.promise, PATIENCE_MS);
  }
  assertEquals((await rawGet(process.port, "/realtime/health")).status, 200);
  answer.resolve();
  await process.logged("socket.open");
  await process.logged("socket.close");
  process.signal("SIGTERM");
  assertEquals((await deadline(process.status, PATIENCE_MS)).code, 0);
});

function listening(): void {/* keeps the output quiet */}
