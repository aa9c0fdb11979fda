/** Limits that an endpoint sets for its own sockets. */
import { assertEquals, assertThrows } from "@std/assert";
import { endpoint } from "../../packages/server/src/http/endpoint.ts";
import { authenticate } from "../../packages/server/src/http/middleware/authenticate.ts";
import { type UpgradeOptions, upgradeWebSocket } from "../../packages/server/src/http/middleware/upgrade.ts";
import { SocketClient } from "../../tools/support/wire/socket_client.ts";
import { createApp, type RunningServer, startServer } from "../support/running_server.ts";

/** Serves `/x`, which answers each message with its length, and `/y` without limits of its own. */
function start(options: UpgradeOptions, env: Readonly<Record<string, string>> = {}): Promise<RunningServer> {
  const at = (options: UpgradeOptions) =>
    endpoint().get(
      "/",
      authenticate,
      upgradeWebSocket(() => ({
        onMessage: (socket, data) =>
          void socket.send(String(typeof data === "string" ? data.length : data.byteLength)),
      }), options),
    );
  return startServer({ env, app: () => createApp().route("/x", at(options)).route("/y", at({})) });
}

Deno.test("a document of 100 KB passes where the endpoint permits it, and closes other sockets with 1009", async () => {
  await using running = await start({ maxFrameBytes: 200_000 });
  await using client = await SocketClient.open(await running.socketUrl("/x"));
  for (const size of [100_000, 200_000]) {
    client.send("a".repeat(size));
    assertEquals(await client.next(), String(size));
    client.send(new Uint8Array(size).buffer);
    assertEquals(await client.next(), String(size));
  }
  client.send("a".repeat(200_001));
  assertEquals((await client.closed()).reason, "a frame may have 200000 bytes");
  for (const path of ["/y", "/echo"]) {
    await using other = await SocketClient.open(await running.socketUrl(path));
    other.send("a".repeat(100_000));
    const { code, reason } = await other.closed();
    assertEquals({ code, reason }, { code: 1009, reason: "a frame may have 65536 bytes" });
  }
});

Deno.test("an endpoint may permit smaller messages than the deployment", async () => {
  await using running = await start({ maxFrameBytes: 10 });
  await using client = await SocketClient.open(await running.socketUrl("/x"));
  client.send("a".repeat(10));
  assertEquals(await client.next(), "10");
  client.send("a".repeat(11));
  assertEquals((await client.closed()).code, 1009);
});

Deno.test("an endpoint sets the rate of its messages, and others keep the deployment's", async () => {
  await using running = await start({ framesPerSecond: 1_000, framesBurst: 200 }, {
    FRAMES_PER_SECOND: "1",
    FRAMES_BURST: "2",
  });
  await using client = await SocketClient.open(await running.socketUrl("/x"));
  for (let count = 0; count < 200; count++) client.send("a");
  for (let count = 0; count < 200; count++) assertEquals(await client.next(), "1");
  await using other = await SocketClient.open(await running.socketUrl("/y"));
  for (let count = 0; count < 3; count++) other.send("a");
  assertEquals([await other.next(), await other.next()], ["1", "1"]);
  assertEquals(JSON.parse(String(await other.next())).code, "rate_limited");
});

for (
  const [name, largest] of [
    ["maxFrameBytes", 16_777_216],
    ["framesPerSecond", 1_000_000],
    ["framesBurst", 1_000_000],
  ] as const
) {
  Deno.test(`${name} out of its range fails where the route is made, and the error names it`, () => {
    const make = (value: unknown) => () =>
      upgradeWebSocket(() => ({}), { [name]: value } as unknown as UpgradeOptions);
    for (const value of [0, -1, 1.5, NaN, Infinity, largest + 1, "100000", null]) {
      assertThrows(
        make(value),
        RangeError,
        `${name} of upgradeWebSocket must be a whole number from 1 to ${largest}`,
      );
    }
    for (const value of [1, largest, undefined]) make(value)();
  });
}
