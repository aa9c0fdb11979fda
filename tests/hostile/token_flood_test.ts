import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { ANY_RATE, roomUrl } from "../support/room_client.ts";
import { startServer } from "../support/running_server.ts";
import { assertNoFragment } from "../support/token_checks.ts";
import { TcpMember } from "../../tools/support/wire/tcp_member.ts";

const FLOOD = 500;

Deno.test("a flood of tokens in band is refused, no part of any token is disclosed or logged, and the old one stays valid (8.3, 10.1)", async () => {
  await using running = await startServer({
    env: { ...ANY_RATE, LOG_LEVEL: "debug", MAX_QUEUED_FRAMES: "10000" },
  });
  const { issuer } = running;
  const url = await roomUrl(running, "room", { user: "mallory" });
  const [member] = await TcpMember.join(url);
  await using hostile = member;
  const expired = await issuer.token("mallory", { claims: { exp: Math.floor(Date.now() / 1_000) - 3_600 } });
  const other = await issuer.token("bob");
  const good = await issuer.token("mallory");
  const broken = `${good.slice(0, -20)}${"A".repeat(20)}`;
  const unsigned = `${good.split(".").slice(0, 2).join(".")}.`;
  const garbage = "garbage-that-is-no-token-at-all".repeat(50);
  const tokens = [expired, other, broken, unsigned, garbage, "", ".", "a.b.c", "\0", "Bearer x"];
  const frames = Array.from({ length: FLOOD }, (_, index) => ({
    type: "auth",
    id: `auth ${index}`,
    token: tokens[index % tokens.length],
  }));
  for (const frame of frames) await hostile.send(frame);
  await hostile.answer(`auth ${FLOOD - 1}`);
  const errors = hostile.frames.flatMap((frame) => frame.type === "error" ? [frame] : []);
  assertEquals(errors.map(({ id }) => id), frames.map(({ id }) => id));
  const refused = errors.filter(({ code }) => code === "rate_limited");
  assertGreater(refused.length, FLOOD - 30);
  assertGreater(refused.at(-1)?.retry_after_ms ?? 0, 0);
  const seen = errors.filter(({ code }) => code !== "rate_limited").map(({ code, field }) => [code, field]);
  assertEquals(seen.slice(0, 5), [
    ["token_expired", "token"],
    ["forbidden", "token"],
    ["invalid_token", "token"],
    ["invalid_token", "token"],
    ["invalid_token", "token"],
  ]);
  const { type } = await hostile.request({ type: "publish", id: "still here", event: "e", data: 1 });
  assertEquals(type, "ack");
  const disclosed = JSON.stringify([hostile.frames, running.logs]);
  const joined = new URL(url).searchParams.get("token") ?? "";
  for (const token of [...tokens, good, joined]) {
    if (token && token !== garbage) assertNoFragment(token, disclosed);
  }
  assertNoFragment(garbage.slice(0, 100), disclosed);
  assertLess(hostile.frames.length, FLOOD + 10);
});

Deno.test("a flood of tokens is refused under the ordinary limits before it is closed with 4429", async () => {
  await using running = await startServer();
  const [member] = await TcpMember.join(await roomUrl(running, "room", { user: "mallory" }));
  await using hostile = member;
  const text = JSON.stringify({ type: "auth", id: "again", token: "no token" });
  await hostile.sendTexts(Array.from({ length: 3_000 }, () => text));
  assertEquals(await hostile.ended, 4429);
  const errors = hostile.frames.flatMap((frame) => frame.type === "error" ? [frame.code] : []);
  assertGreater(errors.filter((code) => code === "rate_limited").length, 2_000);
  assertLess(errors.filter((code) => code === "invalid_token").length, 20);
});
