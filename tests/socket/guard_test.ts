import { assertEquals, assertMatch, assertObjectMatch } from "@std/assert";
import type { Socket, SocketHandlers } from "../../packages/server/src/socket/socket.ts";
import type { RunningServer } from "../support/running_server.ts";
import { SocketClient } from "../../tools/support/wire/socket_client.ts";
import { startSocketEndpoint } from "../support/socket_endpoint.ts";
import { Trace } from "../support/trace.ts";

/** Ways in which a handler can fail. */
const FAILURES: Readonly<Record<string, (error: unknown) => void | Promise<void>>> = {
  "throws": (error) => {
    throw error;
  },
  "rejects": (error) => Promise.reject(error),
  "rejects later": async (error) => {
    await new Promise((resolve) => setTimeout(resolve));
    throw error;
  },
};

/** Opens a socket at another endpoint of the same process, which failures must not affect. */
async function openBystander(running: RunningServer): Promise<SocketClient> {
  return await SocketClient.open(await running.socketUrl("/echo", "bystander"));
}

/** Asserts that the bystander's next message answers its own. */
async function assertUndisturbed(bystander: SocketClient): Promise<void> {
  bystander.send("still here");
  assertEquals(await bystander.next(), "Echo: still here");
}

async function assertErrorFrame(client: SocketClient): Promise<void> {
  const frame: unknown = JSON.parse(String(await client.next()));
  assertEquals(frame, {
    type: "error",
    code: "internal",
    message: "Something failed on our side. The request id finds it in the function's logs.",
    retry_after_ms: 1000,
  });
}

/** Asserts that one failure of this handler was logged, with the request id of the upgrade. */
async function assertLogged(running: RunningServer, handler: string, message: string): Promise<void> {
  const [failure, ...more] = await running.logged("socket.handler_failed");
  assertEquals(more, []);
  const opened = (await running.logged("socket.open")).find(({ route }) => route === "/realtime/x");
  assertObjectMatch({ ...failure }, {
    level: "error",
    handler,
    route: "/realtime/x",
    user: "alice",
    error: `Error: ${message}`,
    request_id: opened?.["request_id"],
  });
  assertMatch(String(failure?.["request_id"]), /^[0-9a-f-]{36}$/);
  assertMatch(String(failure?.["stack"]), /guard_test\.ts/);
}

for (const [way, fail] of Object.entries(FAILURES)) {
  Deno.test(`an onOpen that ${way} gives its socket an error frame and a close with 1011`, async () => {
    await using running = await startSocketEndpoint({ onOpen: () => fail(new Error("open broke")) });
    await using bystander = await openBystander(running);
    await using client = await SocketClient.open(await running.socketUrl("/x"));
    await assertErrorFrame(client);
    assertEquals((await client.closed()).code, 1011);
    await assertLogged(running, "open", "open broke");
    await assertUndisturbed(bystander);
  });

  Deno.test(`an onMessage that ${way} gives its socket an error frame, and the socket stays open`, async () => {
    await using running = await startSocketEndpoint({
      onMessage: (socket, data) =>
        data === "fail" ? fail(new Error("message broke")) : void socket.send(data),
    });
    await using bystander = await openBystander(running);
    await using client = await SocketClient.open(await running.socketUrl("/x"));
    client.send("fail");
    client.send("after it");
    await assertErrorFrame(client);
    assertEquals(await client.next(), "after it");
    await assertLogged(running, "message", "message broke");
    await assertUndisturbed(bystander);
  });

  Deno.test(`an onClose that ${way} writes a line to the log, and the socket no longer counts`, async () => {
    await using running = await startSocketEndpoint({ onClose: () => fail(new Error("close broke")) });
    await using bystander = await openBystander(running);
    const client = await SocketClient.open(await running.socketUrl("/x"));
    client.close(1000, "done");
    assertEquals((await client.closed()).code, 1000);
    await assertLogged(running, "close", "close broke");
    assertEquals(running.engine.connections.count, 1);
    await assertUndisturbed(bystander);
  });
}

/** Thrown values that JavaScript allows and few expect. */
const ODD_THROWN: Readonly<Record<string, () => unknown>> = {
  "undefined": () => undefined,
  "a symbol": () => Symbol("odd"),
  "an object that has no text": () => Object.create(null),
  "an object whose text fails": () => ({
    toString() {
      throw new Error("no text");
    },
  }),
  "an error whose stack is no text": () => Object.assign(new Error("odd"), { stack: 7 }),
  "an error whose message fails": () =>
    Object.defineProperty(new Error(), "message", {
      get() {
        throw new Error("no message");
      },
    }),
};

for (const [what, make] of Object.entries(ODD_THROWN)) {
  for (const way of ["throws", "rejects"] as const) {
    Deno.test(`an onMessage that ${way} with ${what} is handled like any other failure`, async () => {
      await using running = await startSocketEndpoint({
        onMessage: (socket, data) => data === "fail" ? FAILURES[way]?.(make()) : void socket.send(data),
      });
      await using client = await SocketClient.open(await running.socketUrl("/x"));
      client.send("fail");
      client.send("after it");
      await assertErrorFrame(client);
      assertEquals(await client.next(), "after it");
      await running.logged("socket.handler_failed");
    });
  }
}

for (const code of [1004, 1005, 1006, 1015, 0, 999, 99999, -1, 65_536 + 1006, 1000.5, NaN]) {
  Deno.test(`a handler that closes with the forbidden code ${code} closes with 1011 and affects no other socket`, async () => {
    const ended = new Trace();
    await using running = await startSocketEndpoint(
      {
        onMessage: (socket: Socket) => socket.close(code, "a code that may not be sent"),
        onClose: (_socket, close) => ended.add(String(close.code)),
      } satisfies SocketHandlers,
    );
    await using bystander = await openBystander(running);
    await using client = await SocketClient.open(await running.socketUrl("/x"));
    client.send("close");
    await assertErrorFrame(client);
    assertEquals((await client.closed()).code, 1011);
    await ended.untilCount(1);
    assertEquals(ended.entries, ["1011"]);
    const [failure] = await running.logged("socket.handler_failed");
    assertEquals(failure?.["handler"], "close");
    await assertUndisturbed(bystander);
  });
}
