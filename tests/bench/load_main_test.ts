/** The load generator as a process: its results are right, and its usage adds up. */
import { assert, assertEquals } from "@std/assert";
import { askFanOut, startLoad } from "../../tools/bench/cases/measured_load.ts";
import type { LoadAnswer } from "../../tools/bench/load/job.ts";

const MEMBERS = 5;

/** Relay like tools/bench/peers/raw_room.ts. */
function startRelay(): { readonly port: number; readonly close: () => Promise<void> } {
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
  return { port: server.addr.port, close: () => server.shutdown() };
}

Deno.test({
  name: "every job is answered with how long it was busy, which is no longer than it took",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const relay = startRelay();
    {
      await using load = await startLoad();
      const urls = Array.from({ length: MEMBERS }, () => `ws://127.0.0.1:${relay.port}/`);
      const job = { type: "open", group: "g", concurrency: 2, urls, dialect: "relay" };
      const { use } = await load.ask(job) as LoadAnswer;
      assertEquals(use.sockets, MEMBERS);
      assert(use.busyMs > 0 && use.busyMs <= use.wallMs, JSON.stringify(use));
      assert(use.cpuMs > 0, JSON.stringify(use));
      const result = await askFanOut(load, { type: "fan-out", group: "g", inFlight: 1, durationMs: 50 });
      assertEquals(result.deliveries, result.publishes * MEMBERS);
      await load.ask({ type: "close", group: "g" });
    }
    await relay.close();
  },
});
