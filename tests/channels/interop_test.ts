/** supabase-js clients and members of the rooms protocol in one room. */
import { assertEquals } from "@std/assert";
import { startChannelServer } from "../support/channels/channel_server.ts";
import { StockClient } from "../support/channels/stock_client.ts";
import { stockTest } from "../support/channels/stock_test.ts";
import { publishFrame, RoomClient } from "../support/room_client.ts";

stockTest("broadcasts and messages reach the other kind of client", async () => {
  await using server = await startChannelServer();
  const token = await server.issuer.token("alice");
  await using stock = new StockClient(server, { accessToken: () => Promise.resolve(token) });
  await stock.realtime.setAuth();
  const channel = await stock.join("lobby", { private: true, broadcast: { ack: true } });
  await using own = await RoomClient.join(server, "lobby", { user: "bob", mount: "/private" });

  assertEquals(await channel.send("note", { n: 1 }), "ok");
  const ephemeral = await own.next("message");
  assertEquals([ephemeral.event, ephemeral.data, ephemeral.from.user], ["note", { n: 1 }, "alice"]);
  assertEquals(await channel.send("note", { n: 2 }, { persist: true }), "ok");
  const stored = await own.next("message");
  assertEquals([stored.data, stored.offset], [{ n: 2 }, 1]);
  assertEquals(await channel.send("file", new Uint8Array([1, 2, 255]).buffer), "ok");
  assertEquals((await own.next("message")).data, { $bytes: "AQL/" });

  own.send(publishFrame([1, "two"]));
  own.send({ ...publishFrame({ $bytes: "AQL/" }), ephemeral: true });
  const [message, bytes] = await channel.untilReceived(2);
  assertEquals([message?.event, message?.payload], ["chat", [1, "two"]]);
  assertEquals(message?.meta?.id?.endsWith(":2"), true);
  assertEquals(new Uint8Array(bytes?.payload as ArrayBuffer), new Uint8Array([1, 2, 255]));
});

stockTest("presence: each kind sees the other", async () => {
  await using server = await startChannelServer();
  const token = await server.issuer.token("alice");
  await using stock = new StockClient(server, { accessToken: () => Promise.resolve(token) });
  await stock.realtime.setAuth();
  const channel = await stock.join("lobby", { private: true, presence: { key: "alice" } });
  await using own = await RoomClient.join(server, "lobby", { user: "bob", mount: "/private" });
  await own.present({ mood: "well" });
  await channel.until(() => channel.presence.includes("join bob"));
  assertEquals(channel.channel.presenceState()["bob"]?.map((meta) => (meta as { mood?: string }).mood), [
    "well",
  ]);
  assertEquals(await channel.channel.track({ mood: "fine" }), "ok");
  let joined = (await own.next("presence")).joined ?? [];
  while (joined[0]?.user !== "alice") joined = (await own.next("presence")).joined ?? [];
  assertEquals(joined[0].state["mood"], "fine");
});

stockTest("code of the function and operators reach channels", async () => {
  await using server = await startChannelServer();
  await using stock = new StockClient(server);
  const channel = await stock.join("lobby");
  const room = server.engine.deps.serverRooms.room("realtime/lobby");
  await room.emit("news", { n: 1 });
  await channel.untilReceived(1);
  assertEquals(channel.received[0]?.payload, { n: 1 });
  const { promise, resolve } = Promise.withResolvers<void>();
  channel.channel.on("system", {}, ({ message }: { message: string }) => message === "bye" && resolve());
  await room.kick({ user: "anon" }, "bye");
  await promise;
});
