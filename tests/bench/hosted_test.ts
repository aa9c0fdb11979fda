/** The bench's members on a hosted isolate: they count what they hear, and bear being refused and sent away. */
import { assert, assertEquals, assertGreater, assertGreaterOrEqual, assertRejects } from "@std/assert";
import { createTokenIssuer, issueTokens } from "../../tools/bench/harness/tokens.ts";
import { HostedIsolate, type HostedIsolateOptions } from "../../tools/bench/hosted/hosted_isolate.ts";
import { HostedLoad } from "../../tools/bench/hosted/hosted_load.ts";
import { REALTIME } from "../edge_host/edge_stage.ts";

const issuer = await createTokenIssuer();
const tokens = await issueTokens(issuer, 6);
const JOB = { group: "room", speech: "rooms.v1", says: "chat", concurrency: 2 } as const;

function startIsolate(options: HostedIsolateOptions = {}): Promise<HostedIsolate> {
  const deno = { version: Deno.version.deno, path: Deno.execPath() };
  return HostedIsolate.start(
    { deno, issuer, ours: { name: "ours", entry: REALTIME.pathname, env: {} } },
    options,
  );
}

Deno.test("what members publish at their pace is counted once for each of them", async () => {
  await using isolate = await startIsolate();
  await using load = await HostedLoad.start();
  await load.joinAll({ ...JOB, says: "cursor", urls: isolate.roomUrls("cursors", tokens) });
  assertEquals(isolate.now.sockets, tokens.length);
  const heard = await load.talk({
    group: "room",
    talkers: tokens.length - 1,
    everyMs: 40,
    pingEveryMs: 100,
    forMs: 500,
    seed: 7,
  });
  assertGreater(heard.publishes, 0);
  assertEquals(heard.deliveries, heard.publishes * tokens.length);
  assertEquals(heard.isEnded, false);
  // The one who publishes nothing.
  assertGreater(heard.pings, 0);
});

Deno.test("members publish until their isolate has no CPU left, and are told to go", async () => {
  const cpuHardMs = 800;
  await using isolate = await startIsolate({
    limits: { cpuSoftMs: cpuHardMs, cpuHardMs },
    // So few members would be asked to wait.
    env: { FRAMES_PER_SECOND: "100000", FRAMES_BURST: "100000" },
  });
  await using load = await HostedLoad.start();
  await load.joinAll({ ...JOB, urls: isolate.roomUrls("burst", tokens) });
  const heard = await load.burst({ group: "room", inFlight: 4 });
  assert(heard.isEnded);
  assertEquals(isolate.happened("warned").reason, "cpu");
  assertGreaterOrEqual(isolate.happened("warned").cpuMs, 0.9 * cpuHardMs);
  assertGreater(heard.publishes, 4);
  // Those that were under way when it ended may be missing.
  assertGreaterOrEqual(heard.deliveries, (heard.publishes - 8) * tokens.length);
});

Deno.test("a burst that is refused ends with that", async () => {
  await using isolate = await startIsolate({ env: { FRAMES_PER_SECOND: "1", FRAMES_BURST: "2" } });
  await using load = await HostedLoad.start();
  await load.joinAll({ ...JOB, urls: isolate.roomUrls("refused", tokens) });
  await assertRejects(() => load.burst({ group: "room", inFlight: 4 }), Error, "publishes were refused");
});

Deno.test("members who are not let in are counted by what they were told", async () => {
  await using isolate = await startIsolate({ env: { MAX_CONNECTIONS: "4" } });
  await using load = await HostedLoad.start();
  const { joined, refused } = await load.join({ ...JOB, urls: isolate.roomUrls("full", tokens) });
  assertEquals(joined, 4);
  // The function says 503; of an upgrade the host passes on nothing but a 101.
  assertEquals(refused, { "502 BAD_GATEWAY": 2 });
});
