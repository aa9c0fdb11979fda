/** A client in its own process, whose wall clock steps by an hour. */
import { assertEquals } from "@std/assert";
import { freePort } from "../../tools/support/free_port.ts";
import { ChildLines } from "../../tools/support/processes/child_lines.ts";
import { projectCommand } from "../../tools/support/processes/deno_command.ts";
import { parseJsonLine } from "../../tools/support/processes/json_line.ts";
import { Trace } from "../support/trace.ts";
import { welcomeFrame } from "../client/machine_world.ts";
import { isWithoutFakeTime } from "../isolates/shifted_clock.ts";
import { createSteppedClock } from "./stepped_clock.ts";

const HOUR_SECONDS = 3_600;
const PROGRAM = new URL("client_program.ts", import.meta.url);

/** A server that welcomes every client and answers its pings until it goes silent. */
class PongServer implements AsyncDisposable {
  readonly pings = new Trace();
  isSilent = false;
  readonly #sockets = new Set<WebSocket>();
  readonly #server: Deno.HttpServer;

  constructor(port: number) {
    this.#server = Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, (request) => {
      const { socket, response } = Deno.upgradeWebSocket(request, { protocol: "realtime.v1" });
      this.#sockets.add(socket);
      socket.onopen = () => socket.send(JSON.stringify(welcomeFrame({ heartbeat_ms: 500 })));
      socket.onclose = () => void this.#sockets.delete(socket);
      socket.onerror = (event) => event.preventDefault();
      socket.onmessage = () => {
        if (!this.isSilent) socket.send('{"type":"pong"}');
        this.pings.add("ping");
      };
      return response;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.close();
    await this.#server.shutdown();
  }
}

for (const hours of [-1, 1]) {
  Deno.test({
    name: `a client whose wall clock steps by ${hours} h retries, stays, and notices silence as before`,
    ignore: isWithoutFakeTime,
    fn: async () => {
      await using clock = await createSteppedClock();
      const port = freePort();
      const command = projectCommand(PROGRAM, [`http://127.0.0.1:${port}/realtime/rooms/r`, "token"]);
      const states = new Trace();
      await using _client = new ChildLines({ ...command, env: { ...command.env, ...clock.env } }, {
        name: "The client",
        onLine: (line) => states.add(String(parseJsonLine(line)?.["event"])),
      });
      await states.until("waiting", 2);
      await clock.set(hours * HOUR_SECONDS);
      // It tries again, although nothing wakes it up.
      await states.until("waiting", states.entries.filter((state) => state === "waiting").length + 1);
      await using server = new PongServer(port);
      await states.until("live");

      await clock.set(0);
      await server.pings.untilCount(server.pings.entries.length + 4);
      assertEquals(states.entries.at(-1), "live", "the step ended the connection");

      const count = states.entries.length;
      server.isSilent = true;
      await clock.set(hours * HOUR_SECONDS);
      await states.untilCount(count + 1);
      assertEquals(states.entries[count], "waiting", "the silence was not noticed");
    },
  });
}
