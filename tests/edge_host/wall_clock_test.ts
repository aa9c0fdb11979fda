/**
 * Lifetime of an isolate: retired at half, warned at nine tenths, killed at the end
 * (docs/edge-host.md).
 */
import { assert, assertEquals, assertGreaterOrEqual, assertLess } from "@std/assert";
import { createIssuer } from "../../packages/cli/dev/issuer.ts";
import { SocketClient } from "../../tools/support/wire/socket_client.ts";
import { boot, PROBE, REALTIME, startEdgeFixture } from "./edge_fixture.ts";

/** Tolerated delay on a busy machine. */
const LATE_MS = 400;

Deno.test("a retired isolate keeps its sockets and gets no new connection; it is warned, then killed without a close frame", async () => {
  const wallMs = 3_000;
  await using fixture = await startEdgeFixture(PROBE, { limits: { wallMs } });
  await using socket = await SocketClient.open(fixture.socketUrl("/held"));
  const first = await socket.next();

  const retired = await fixture.until("retired");
  assertEquals([retired.isolate, retired.reason, retired.sockets], [first, "wall_clock", 1]);
  assertGreaterOrEqual(retired.ageMs, wallMs / 2);
  assertLess(retired.ageMs, wallMs / 2 + LATE_MS);
  await using second = await SocketClient.open(fixture.socketUrl("/held"));
  const other = await second.next();
  assert(other !== first, "the retired isolate got a connection");
  assertEquals(await socket.next(), "drain");
  socket.send("still here");
  assertEquals(await socket.next(), "echo still here");

  const warned = await fixture.until("warned");
  assertEquals([warned.isolate, warned.reason], [first, "wall_clock"]);
  assertGreaterOrEqual(warned.ageMs, wallMs * 0.9);
  assertLess(warned.ageMs, wallMs);
  assertEquals(await socket.next(), "beforeunload wall_clock");

  const killed = await fixture.until("killed");
  assertEquals([killed.isolate, killed.reason], [first, "wall_clock"]);
  assertGreaterOrEqual(killed.ageMs, wallMs);
  assertLess(killed.ageMs, wallMs + LATE_MS);
  assert(isAbnormal((await socket.closed()).code));
  assertEquals((await fixture.until("exited", String(first))).reason, "wall_clock");
  second.send("alive");
  while (await second.next() !== "echo alive");
});

Deno.test("the real function drains its members on the warning, and they find the next isolate", async () => {
  const issuer = await createIssuer();
  await using fixture = await startEdgeFixture(REALTIME, {
    limits: { wallMs: 6_000 },
    env: { SUPABASE_JWKS: JSON.stringify(issuer.jwks), DRAIN_SECONDS: "0" },
  });
  const url = fixture.socketUrl(`/echo?token=${await issuer.token("alice")}`);
  await boot(fixture.url("/health"));
  await using member = await SocketClient.open(url);
  await fixture.until("retired");
  await boot(fixture.url("/health"));
  await using next = await SocketClient.open(url);
  assertEquals((await member.closed()).code, 1012);
  assertEquals((await fixture.until("warned")).reason, "wall_clock");
  next.send("hello");
  assertEquals(await next.next(), "Echo: hello");
});

/** True without a close frame. */
function isAbnormal(code: number): boolean {
  return code === 1006 || code === 0;
}
