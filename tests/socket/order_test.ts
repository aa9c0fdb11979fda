import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { SocketHandlers } from "../../packages/server/src/socket/socket.ts";
import { closeFrame, RawSocket, textFrame } from "../../tools/support/wire/raw_socket.ts";
import { type RunningServer } from "../support/running_server.ts";
import { startSocketEndpoint } from "../support/socket_endpoint.ts";
import { Trace } from "../support/trace.ts";

/**
 * Handlers that record their begin and end. The test ends the handlers of messages that begin with
 * `async`, and of onOpen and onClose if they are among `held`.
 */
class Steps {
  readonly trace = new Trace();
  readonly #gates = new Map<string, PromiseWithResolvers<void>>();
  readonly #held: ReadonlySet<string>;

  constructor(held: readonly string[] = []) {
    this.#held = new Set(held);
  }

  readonly handlers: SocketHandlers = {
    onOpen: () => this.#step("open"),
    onMessage: (_socket, data) => this.#step(String(data)),
    onClose: (_socket, { code }) => {
      this.trace.add(`closed ${code}`);
      return this.#step("close");
    },
  };

  /** Waits until the step has begun, and ends it. */
  async release(name: string): Promise<void> {
    await this.trace.until(`${name} begins`);
    this.#gate(name).resolve();
    await this.trace.until(`${name} ends`);
  }

  #step(name: string): void | Promise<void> {
    this.trace.add(`${name} begins`);
    if (!this.#held.has(name) && !name.startsWith("async")) return this.trace.add(`${name} ends`);
    return this.#gate(name).promise.then(() => this.trace.add(`${name} ends`));
  }

  #gate(name: string): PromiseWithResolvers<void> {
    const gate = this.#gates.get(name) ?? Promise.withResolvers<void>();
    this.#gates.set(name, gate);
    return gate;
  }
}

async function open(running: RunningServer): Promise<RawSocket> {
  return await RawSocket.open(await running.socketUrl("/x"));
}

/** Lists the trace entries of steps that run one after the other. */
function oneByOne(names: readonly string[]): string[] {
  return names.flatMap((name) => [`${name} begins`, `${name} ends`]);
}

Deno.test("messages that arrive while onOpen runs are handled after it, in order, and none is lost", async () => {
  const steps = new Steps(["open"]);
  await using running = await startSocketEndpoint(steps.handlers);
  using client = await open(running);
  await client.send(textFrame("1"), textFrame("2"), textFrame("3"));
  await client.untilTakenIn();
  assertEquals(steps.trace.entries, ["open begins"]);
  await steps.release("open");
  await steps.trace.until("3 ends");
  assertEquals(steps.trace.entries, oneByOne(["open", "1", "2", "3"]));
});

Deno.test("async onMessage handlers run one after the other, in the order of the messages", async () => {
  const steps = new Steps();
  await using running = await startSocketEndpoint(steps.handlers);
  using client = await open(running);
  await client.send(textFrame("async 1"), textFrame("2"), textFrame("async 3"), textFrame("4"));
  await client.untilTakenIn();
  assertEquals(steps.trace.entries, [...oneByOne(["open"]), "async 1 begins"]);
  await steps.release("async 1");
  await steps.trace.until("async 3 begins");
  assertEquals(steps.trace.entries, [...oneByOne(["open", "async 1", "2"]), "async 3 begins"]);
  await steps.release("async 3");
  await steps.trace.until("4 ends");
  assertEquals(steps.trace.entries, oneByOne(["open", "async 1", "2", "async 3", "4"]));
});

Deno.test("a running handler does not delay other sockets of the endpoint", async () => {
  const steps = new Steps();
  await using running = await startSocketEndpoint(steps.handlers);
  using held = await open(running);
  using free = await open(running);
  await held.send(textFrame("async held"));
  await steps.trace.until("async held begins");
  await free.send(textFrame("free"));
  await steps.trace.until("free ends");
  await steps.release("async held");
});

Deno.test("messages sent right before a close are handled before onClose", async () => {
  const steps = new Steps();
  await using running = await startSocketEndpoint(steps.handlers);
  using client = await open(running);
  await client.send(textFrame("1"), textFrame("async 2"), textFrame("3"), closeFrame(4321));
  await running.logged("socket.close");
  assertEquals(steps.trace.entries, [...oneByOne(["open", "1"]), "async 2 begins"]);
  await steps.release("async 2");
  await steps.trace.until("close ends");
  assertEquals(steps.trace.entries, [
    ...oneByOne(["open", "1", "async 2", "3"]),
    "closed 4321",
    ...oneByOne(["close"]),
  ]);
});

Deno.test("messages sent right before the connection breaks are handled before onClose", async () => {
  const steps = new Steps(["open"]);
  await using running = await startSocketEndpoint(steps.handlers);
  using client = await open(running);
  await client.send(textFrame("1"), textFrame("async 2"), textFrame("3"));
  client.abort();
  await steps.release("open");
  await steps.release("async 2");
  await steps.trace.until("close ends");
  assertEquals(steps.trace.entries, [
    ...oneByOne(["open", "1", "async 2", "3"]),
    "closed 1006",
    ...oneByOne(["close"]),
  ]);
});

Deno.test("queued messages are dropped when the endpoint closes the socket, and onClose runs once", async () => {
  const trace = new Trace();
  const gate = Promise.withResolvers<void>();
  await using running = await startSocketEndpoint({
    async onMessage(socket, data) {
      trace.add(String(data));
      await gate.promise;
      socket.close(4000, "first");
      socket.close(4001, "second");
    },
    onClose: (_socket, { code, reason }) => trace.add(`closed ${code} ${reason}`),
  });
  using client = await open(running);
  await client.send(textFrame("1"), textFrame("2"));
  await client.untilTakenIn();
  gate.resolve();
  // The peer closes at the same time, and then breaks the connection.
  await client.send(textFrame("3"), closeFrame(1000));
  client.abort();
  await running.logged("socket.close");
  await running.engine.connections.drain("test over", 0);
  assertEquals(trace.entries, ["1", "closed 4000 first"]);
});

/** Random socket: its messages, its end, and the steps that take time. */
const Life = fc.record({
  messages: fc.array(fc.boolean(), { maxLength: 12 }),
  slowOpen: fc.boolean(),
  slowClose: fc.boolean(),
  end: fc.constantFrom("close frame", "broken connection"),
  /**
   * Indexes of messages before which the client waits until the server has read all earlier ones.
   */
  pauses: fc.array(fc.nat({ max: 11 }), { maxLength: 3 }),
});

Deno.test("for any messages, every step runs once, in order, and never during another one", async () => {
  let steps = new Steps();
  await using running = await startSocketEndpoint({
    onOpen: (socket) => steps.handlers.onOpen?.(socket),
    onMessage: (socket, data) => steps.handlers.onMessage?.(socket, data),
    onClose: (socket, close) => steps.handlers.onClose?.(socket, close),
  }, { env: { JOINS_BURST: "1000000" } });
  await fc.assert(
    fc.asyncProperty(Life, async ({ messages, slowOpen, slowClose, end, pauses }) => {
      const held = [...(slowOpen ? ["open"] : []), ...(slowClose ? ["close"] : [])];
      const names = messages.map((isAsync, index) => `${isAsync ? "async" : "sync"} ${index}`);
      steps = new Steps(held);
      using client = await open(running);
      for (const [index, name] of names.entries()) {
        if (pauses.includes(index)) await client.untilTakenIn();
        await client.send(textFrame(name));
      }
      if (end === "close frame") await client.send(closeFrame(4000));
      else client.abort();
      for (const name of ["open", ...names, "close"]) {
        if (held.includes(name) || name.startsWith("async")) await steps.release(name);
      }
      await steps.trace.until("close ends");
      assertEquals(steps.trace.entries, [
        ...oneByOne(["open", ...names]),
        end === "close frame" ? "closed 4000" : "closed 1006",
        ...oneByOne(["close"]),
      ]);
    }),
    { numRuns: 100 },
  );
});
