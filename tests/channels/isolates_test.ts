/** Channels of stock clients at two isolates that share a store. */
import { assertEquals, assertNotEquals } from "@std/assert";
import { createIssuer } from "../../packages/cli/dev/issuer.ts";
import { type BackplaneName, BACKPLANES, startStore } from "../../tools/support/backplane_store.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { isWithoutPostgres } from "../../tools/support/postgres/server.ts";
import { isWithoutRedis } from "../../tools/support/redis/availability.ts";
import { startChannelServer } from "../support/channels/channel_server.ts";
import { StockClient } from "../support/channels/stock_client.ts";
import { stockTest } from "../support/channels/stock_test.ts";
import { operate, OPERATOR_KEY } from "../support/operator.ts";
import type { RunningServer } from "../support/running_server.ts";

/** Two isolates, and a client of a signed-in user at each. */
interface Fixture {
  readonly near: RunningServer;
  readonly alice: StockClient;
  readonly bob: StockClient;
}

const isMissing: Readonly<Record<BackplaneName, boolean>> = {
  postgres: isWithoutPostgres,
  redis: isWithoutRedis,
};

for (const store of BACKPLANES.filter((name) => !isMissing[name])) {
  const test = (statement: string, run: (fixture: Fixture) => Promise<void>) =>
    stockTest(`two isolates on ${store}: ${statement}`, async () => {
      await using shared = await startStore(store);
      const issuer = await createIssuer();
      const keys = { SUPABASE_SECRET_KEYS: JSON.stringify({ default: OPERATOR_KEY }) };
      const options = { issuer, env: { ...shared.env, ...keys } };
      await using near = await startChannelServer(options);
      await using far = await startChannelServer(options);
      await using alice = new StockClient(near, { accessToken: () => issuer.token("alice") });
      await using bob = new StockClient(far, { accessToken: () => issuer.token("bob") });
      await Promise.all([alice, bob].map(({ realtime }) => realtime.setAuth()));
      await run({ near, alice, bob });
    });

  test("broadcasts of text and bytes cross in the order of their sender", async ({ alice, bob }) => {
    const a = await alice.join("room", { broadcast: { ack: true } });
    const b = await bob.join("room", { broadcast: { ack: true } });
    const bytes = Uint8Array.from({ length: 10_000 }, (_, at) => at % 256);
    assertEquals(await a.send("text", { ü: "ö😀" }), "ok");
    assertEquals(await a.send("bytes", bytes.buffer), "ok");
    assertEquals(await a.send("text", { n: 2 }), "ok");
    const [first, second, third] = await b.untilReceived(3);
    assertEquals([first?.payload, third?.payload], [{ ü: "ö😀" }, { n: 2 }]);
    assertEquals(new Uint8Array(second?.payload as ArrayBuffer), bytes);
    assertEquals(await b.send("back", {}), "ok");
    assertEquals((await a.untilReceived(1)).map(({ event }) => event), ["back"]);
  });

  test("a stored broadcast has one `meta.id` at both, live and replayed", async ({ alice, bob }) => {
    const since = Date.now() - 1_000;
    const config = { private: true, broadcast: { ack: true, self: true, replay: { since } } };
    const a = await alice.join("log", config);
    const b = await bob.join("log", config);
    assertEquals(await a.send("line", { n: 1 }, { persist: true }), "ok");
    assertEquals(await b.send("line", { n: 2 }, { persist: true }), "ok");
    const ids = async (channel: typeof a) => (await channel.untilReceived(2)).map(({ meta }) => meta?.id);
    const known = await ids(a);
    assertNotEquals(known[0], known[1]);
    assertEquals(await ids(b), known);
    await bob.realtime.removeChannel(b.channel);
    assertEquals(await ids(await bob.join("log", config)), known);
  });

  test("the state of presence and its changes cross", async ({ alice, bob }) => {
    const a = await alice.join("team", { presence: { key: "a" } });
    assertEquals(await a.channel.track({ mood: "well" }), "ok");
    await a.until(() => a.presence.includes("join a"));
    const b = await bob.join("team", { presence: { key: "b" } });
    await b.until(() => "a" in b.channel.presenceState());
    assertEquals(await b.channel.track({ mood: "so so" }), "ok");
    await a.until(() => a.presence.includes("join b"));
    assertEquals(await b.channel.track({ mood: "better" }), "ok");
    await a.until(() => JSON.stringify(a.channel.presenceState()).includes("better"));
    assertEquals(await a.channel.untrack(), "ok");
    await b.until(() => !("a" in b.channel.presenceState()));
    await bob.realtime.removeChannel(b.channel);
    await a.until(() => !("b" in a.channel.presenceState()));
  });

  test("private and public rooms of one name stay apart", async ({ alice, bob }) => {
    const ack = { broadcast: { ack: true } };
    const [secret, open] = [await alice.join("same", { private: true, ...ack }), await bob.join("same", ack)];
    await using observer = new StockClient({ port: Number(new URL(alice.realtime.endPoint).port) });
    const watching = await observer.join("same", ack);
    assertEquals(await secret.send("secret", {}), "ok");
    assertEquals(await open.send("open", {}), "ok");
    assertEquals((await watching.untilReceived(1)).map(({ event }) => event), ["open"]);
    assertEquals([secret.received, open.received], [[], []]);
  });

  test("a kick at one isolate ends the user's channel at the other", async ({ near, alice, bob }) => {
    const a = await alice.join("lobby", { broadcast: { ack: true } });
    const b = await bob.join("lobby", { broadcast: { ack: true } });
    const other = await bob.join("other", { broadcast: { ack: true, self: true } });
    const told: unknown[] = [];
    b.channel.on("system", {}, (message: { readonly message: string }) => told.push(message.message));
    const kick = () => operate(near, "/channels/lobby/kick", { body: { user: "bob", reason: "No spam." } });
    // The far isolate follows commands soon after its first socket.
    await eventually(
      async () => [(await kick()).status, b.channel.state],
      ([status, state]) => status === 202 && state === "closed",
    );
    assertEquals(told, ["No spam."]);
    assertEquals(await other.send("still", {}), "ok");
    assertEquals((await other.untilReceived(1)).map(({ event }) => event), ["still"]);
    assertEquals(await a.send("after", {}), "ok");
    assertEquals(b.received, []);
  });
}
