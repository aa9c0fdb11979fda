/** The load generator as a process: its results are right, and its usage adds up. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Load } from "../../tools/bench/harness/load.ts";

const MEMBERS = 5;
const isLinux = Deno.build.os === "linux";

/** Relay like tools/bench/peers/raw.ts. */
function startRelay(): AsyncDisposable & { readonly urls: readonly string[] } {
  const members = new Set<WebSocket>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onopen = () => void members.add(socket);
    socket.onclose = () => void members.delete(socket);
    socket.onmessage = ({ data }) => {
      for (const member of members) member.send(data);
    };
    return response;
  });
  const urls = Array.from({ length: MEMBERS }, () => `ws://127.0.0.1:${server.addr.port}/`);
  return { urls, [Symbol.asyncDispose]: () => server.shutdown() };
}

Deno.test({
  name: "every job adds the time that it was busy, which is no longer than it took",
  ignore: !isLinux,
  fn: async () => {
    await using relay = startRelay();
    await using load = await Load.start();
    const startedAt = performance.now();
    await load.run({ type: "open", group: "g", concurrency: 2, urls: relay.urls, dialect: "relay" });
    const result = await load.run({ type: "fan-out", group: "g", inFlight: 1, durationMs: 50 });
    assertEquals(result.deliveries, result.publishes * MEMBERS);
    assert(load.busyMs > 0 && load.busyMs <= performance.now() - startedAt, String(load.busyMs));
    await load.run({ type: "close", group: "g" });
  },
});

Deno.test({
  name: "a server that refuses a socket fails the job, with the server's answer",
  ignore: !isLinux,
  fn: async () => {
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      () => Response.json({ code: "too_many" }, { status: 503 }),
    );
    await using load = await Load.start();
    const urls = [`ws://127.0.0.1:${server.addr.port}/`];
    const job = { type: "open", concurrency: 1, urls, dialect: "relay" } as const;
    await assertRejects(() => load.run({ ...job, group: "strict" }), Error, "no upgrade: HTTP/1.1 503");
    const { joined, refused } = await load.run({ ...job, group: "tolerant", mayFail: true });
    assertEquals([joined, Object.values(refused)], [0, [1]]);
  },
});
