/** The EventSource of docs/rooms.md, "Listening without a WebSocket", and refusals that pass. */
import { assert, assertEquals } from "@std/assert";
import { EventSource } from "eventsource";
import { eventually } from "../../tools/support/eventually.ts";
import { isWithoutChromium, launchChromium } from "../support/chromium.ts";
import { readCodeBlock } from "../support/code_blocks.ts";
import { RoomClient } from "../support/room_client.ts";
import { startServer } from "../support/running_server.ts";

Deno.test("the documented request for a ticket opens an EventSource", async () => {
  await using running = await startServer();
  const token = await running.issuer.token("alice");
  const address = `${running.origin}/realtime`;
  const code = await readCodeBlock("docs/rooms.md", ({ code }) => code.includes("getTicket()"));
  const ticket = await new Function("address", "getToken", `${code}; return getTicket();`)(
    address,
    () => token,
  );
  const source = new EventSource(`${address}/rooms/lobby/events?ticket=${ticket}`);
  const first = await new Promise<string>((resolve) =>
    source.addEventListener("message", ({ data }) => resolve(data))
  );
  source.close();
  assertEquals(JSON.parse(first).user, "alice");
});

Deno.test("the documented EventSource goes on with a fresh token where the expired one left it", async () => {
  await using running = await startServer({
    env: { EXPIRY_GRACE_SECONDS: "0", AUTH_CLOCK_SKEW_SECONDS: "0" },
  });
  await using bob = await RoomClient.join(running, "lobby", { user: "bob" });
  const exp = Math.ceil(Date.now() / 1000) + 2;
  const tokens = [
    await running.issuer.token("alice", { claims: { exp } }),
    await running.issuer.token("alice"),
  ];
  const sources: EventSource[] = [];
  const frames: Record<string, unknown>[] = [];
  const given = {
    EventSource: class extends EventSource {
      constructor(url: string) {
        super(url);
        sources.push(this);
      }
    },
    address: `${running.origin}/realtime`,
    getToken: () => tokens[Math.min(sources.length, 1)],
    onFrame: (frame: Record<string, unknown>) => frames.push(frame),
    setTimeout: (listen: () => void) => setTimeout(listen, 20),
  };
  const code = await readCodeBlock("docs/rooms.md", ({ code }) => code.includes("new EventSource"));
  try {
    new Function(...Object.keys(given), `${code}; listen();`)(...Object.values(given));
    await eventually(() => Promise.resolve(frames.length), (count) => count >= 2);
    await bob.publish("first");
    const state = () => Promise.resolve(sources[0]?.readyState);
    await eventually(state, (now) => now === EventSource.CLOSED, 20_000);
    await bob.publish("second");
    const offsets = () => frames.flatMap(({ type, offset }) => type === "message" ? [Number(offset)] : []);
    await eventually(() => Promise.resolve(offsets().length), (count) => count >= 2);
    assertEquals([offsets(), sources.length], [[1, 2], 2]);
    assertEquals(frames.findLast(({ type }) => type === "welcome")?.["recovered"], true);
  } finally {
    for (const source of sources) source.close();
  }
});

/** Limits that refuse alice's stream as long as her socket counts, and the code of the refusal. */
const REFUSALS = [
  ["rate_limited", { JOINS_PER_SECOND: "1", JOINS_BURST: "1" }],
  ["overloaded", { MAX_CONNECTIONS: "1" }],
] as const;

for (const [code, env] of REFUSALS) {
  Deno.test({
    name: `EventSource of npm and of Chromium are open by themselves after a refusal with ${code}`,
    ignore: isWithoutChromium,
    fn: async () => {
      await using running = await startServer({ env });
      const socket = await RoomClient.join(running, "r");
      const url = async () =>
        `${running.origin}/realtime/rooms/r/events?token=${await running.issuer.token("alice")}`;
      const source = new EventSource(await url());
      const browser = await launchChromium();
      try {
        const page = await browser.newPage();
        await page.evaluate(`globalThis.source = new EventSource(${JSON.stringify(await url())})`);
        const refused = () => running.logs.filter((line) => line["refused"] === code).length;
        await eventually(() => Promise.resolve(refused()), (count) => count >= 2);
        await socket[Symbol.asyncDispose]();
        // With MAX_CONNECTIONS=1 one of the two has to leave before the other can be open.
        const states = async () => [source.readyState, Number(await page.evaluate("source.readyState"))];
        await eventually(states, (now) => now.includes(EventSource.OPEN), 20_000);
        assert(!(await states()).includes(EventSource.CLOSED));
        source.close();
        await eventually(states, ([, state]) => state === EventSource.OPEN, 20_000);
      } finally {
        source.close();
        await browser.close();
      }
    },
  });
}
