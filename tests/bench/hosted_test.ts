/** The bench's members on a hosted isolate count their traffic, and survive refusals and closes. */
import { assert, assertEquals, assertGreater, assertGreaterOrEqual, assertRejects } from "@std/assert";
import { createIssuer } from "../../packages/cli/dev/issuer.ts";
import { Load } from "../../tools/bench/harness/load.ts";
import { issueTokens } from "../../tools/bench/cases/context.ts";
import {
  type HostedIsolate,
  type HostedIsolateOptions,
  startHostedIsolate,
} from "../../tools/bench/hosted/isolate.ts";
import { REALTIME } from "../edge_host/edge_fixture.ts";

const issuer = await createIssuer();
const tokens = await issueTokens(issuer, 6);
const JOB = { type: "open", group: "room", dialect: "rooms.v1", concurrency: 2, mayFail: true } as const;

function startIsolate(options: HostedIsolateOptions = {}): Promise<HostedIsolate> {
  const deno = { version: Deno.version.deno, path: Deno.execPath() };
  return startHostedIsolate(
    { deno, issuer, ours: { name: "ours", entry: REALTIME.pathname, env: {} } },
    options,
  );
}

for (const message of ["cursor", "keyed cursor"] as const) {
  Deno.test(`a ${message} that members publish periodically counts once per member`, async () => {
    await using isolate = await startIsolate();
    await using load = await Load.start();
    await load.run({ ...JOB, urls: isolate.roomUrls("cursors", tokens) });
    assertEquals(isolate.now.sockets, tokens.length);
    const traffic = await load.run({
      type: "paced",
      group: "room",
      publishers: tokens.length - 1,
      everyMs: 40,
      message,
      pingEveryMs: 100,
      forMs: 500,
      seed: 7,
    });
    assertGreater(traffic.publishes, 0);
    assertEquals(traffic.deliveries, traffic.publishes * tokens.length);
    assertEquals(traffic.isEnded, false);
    // From the member that publishes nothing.
    assertGreater(traffic.pings, 0);
  });
}

Deno.test("members publish until their isolate has no CPU left and closes their sockets", async () => {
  const cpuHardMs = 800;
  await using isolate = await startIsolate({
    limits: { cpuSoftMs: cpuHardMs, cpuHardMs },
    // The default limits would throttle so few members.
    env: { FRAMES_PER_SECOND: "100000", FRAMES_BURST: "100000" },
  });
  await using load = await Load.start();
  await load.run({ ...JOB, urls: isolate.roomUrls("burst", tokens) });
  const traffic = await load.run({ type: "burst", group: "room", inFlight: 4 });
  assert(traffic.isEnded);
  const warned = isolate.event("warned");
  assertEquals(warned?.reason, "cpu");
  assertGreaterOrEqual(warned?.cpuMs ?? 0, 0.9 * cpuHardMs);
  assertGreater(traffic.publishes, 4);
  // Messages in flight at the end may be missing.
  assertGreaterOrEqual(traffic.deliveries, (traffic.publishes - 8) * tokens.length);
});

Deno.test("a burst ends with the first refused publish", async () => {
  await using isolate = await startIsolate({ env: { FRAMES_PER_SECOND: "1", FRAMES_BURST: "2" } });
  await using load = await Load.start();
  await load.run({ ...JOB, urls: isolate.roomUrls("refused", tokens) });
  await assertRejects(
    () => load.run({ type: "burst", group: "room", inFlight: 4 }),
    Error,
    "a publish was refused",
  );
});

Deno.test("refused members are counted by reason", async () => {
  await using isolate = await startIsolate({ env: { MAX_CONNECTIONS: "4" } });
  await using load = await Load.start();
  const { joined, refused } = await load.run({ ...JOB, urls: isolate.roomUrls("full", tokens) });
  assertEquals(joined, 4);
  // The function answers 503; the host replaces every answer to an upgrade except a 101.
  assertEquals(refused, { "502 BAD_GATEWAY": 2 });
});
