/**
 * Tests that a database role that may only log in hears nothing of rooms and cannot speak in them,
 * and that notifications which the database does not confirm change nothing.
 */
import postgres from "postgres";
import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { deadline } from "@std/async";
import { channelOf, privateChannel } from "../../packages/server/src/backplane/postgres/channel.ts";
import type { PostgresBackplane } from "../../packages/server/src/backplane/postgres/postgres_backplane.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { Listener } from "./listener.ts";
import type { PostgresTestWorld } from "./postgres_world.ts";
import { draft, drafts, ephemeral } from "./samples.ts";
import { testOnPostgres } from "./test_on_postgres.ts";

const WAIT_MS = 10_000;

/** A role that may log in and has no other right. */
class Analyst implements AsyncDisposable {
  readonly sql: postgres.Sql;
  readonly #world: PostgresTestWorld;
  readonly #role: string;
  readonly #heard: string[] = [];

  private constructor(world: PostgresTestWorld, role: string) {
    this.#world = world;
    this.#role = role;
    const url = new URL(world.database.url);
    url.username = role;
    this.sql = postgres(url.href, { max: 1, fetch_types: false, onnotice: () => {} });
  }

  static async create(world: PostgresTestWorld): Promise<Analyst> {
    const role = `analyst_${crypto.randomUUID().slice(0, 8)}`;
    await world.database.sql.unsafe(`create role ${role} login`);
    return new Analyst(world, role);
  }

  async listen(channel: string): Promise<void> {
    await this.sql.listen(channel, (payload) => void this.#heard.push(`${channel}: ${payload}`));
  }

  /** Lists what was heard so far. Postgres delivers in commit order, so a marker ends the wait. */
  async heard(): Promise<readonly string[]> {
    const marker = Promise.withResolvers<void>();
    const channel = `marker_${crypto.randomUUID()}`;
    const { unlisten } = await this.sql.listen(channel, () => marker.resolve());
    await this.#world.database.sql`select pg_notify(${channel}, '')`;
    await deadline(marker.promise, WAIT_MS);
    await unlisten();
    return this.#heard;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sql.end({ timeout: 1 });
    await this.#world.database.sql.unsafe(`drop role ${this.#role}`);
  }
}

/** Names that whoever knows the code may try for a channel. */
function guesses(channel: string): string[] {
  return [channel, `r${channel.slice(-40)}`, privateChannel("", channel), privateChannel("null", channel)];
}

/** Formats a durable message as a notification does. */
function messageRecord(offset: number | string, data = '{"forged":true}'): string {
  return ["m", offset, 1_795_870_944_144, `forged-${offset}`, "chat", "alice", "=c", data].join("\u001f");
}

/** Publishes and waits until a listener has it, so that all notifications before are processed. */
async function settle(isolate: PostgresBackplane, listener: Listener, id: string): Promise<void> {
  const [stored] = await isolate.publish("r", [draft(id)]);
  assert(stored);
  await listener.untilOffset(stored.offset);
}

testOnPostgres("a role that may only log in hears neither messages nor presence", async (world) => {
  await using analyst = await Analyst.create(world);
  for (const name of guesses(channelOf("r"))) await analyst.listen(name);
  const isolate = await world.open();
  const listener = await Listener.open(isolate, "r");
  await isolate.publish("r", drafts("pin", 2));
  await isolate.enter("r", { user: "alice", connection: "a1", state: '{"pin":4711}' });
  await isolate.emit("r", ephemeral("e", { data: JSON.stringify("x".repeat(9_000)) }));
  await listener.untilId("e");
  assertEquals(await analyst.heard(), []);
  for (
    const statement of [
      "select * from rooms.channel_key",
      "select rooms.notify('rooms:x', '')",
      "select rooms.listen(array['x'])",
      "select rooms.tell('rooms:x', '', array['e'])",
    ]
  ) {
    await assertRejects(() => analyst.sql.unsafe(statement).execute(), Error, "permission denied");
  }
});

testOnPostgres("a role that may only log in cannot speak in a room, or replace a message", async (world) => {
  await using analyst = await Analyst.create(world);
  const isolate = await world.open();
  const listener = await Listener.open(isolate, "r");
  const { epoch } = listener.subscription;
  for (const name of guesses(channelOf("r"))) {
    await analyst.sql.notify(name, `${epoch}\u001e${messageRecord(1)}`);
    await analyst.sql.notify(
      name,
      `\u001e${["e", "id", "admin.kick", "service_role", "", 1, "", "{}"].join("\u001f")}`,
    );
    await analyst.sql.notify(name, `${epoch}\u001e${["p", 1, "j", "bob", "b", "", "{}"].join("\u001f")}`);
  }
  await settle(isolate, listener, "real");
  assertEquals(listener.messages.map(({ id, offset }) => [id, offset]), [["real", 1]]);
  assertEquals([listener.ephemerals, listener.changes], [[], []]);
  assertEquals(world.events.map(({ type }) => type), ["connected"]);
});

testOnPostgres("channels of the engine and of the database are the same, short and random", async (world) => {
  const { sql } = world.database;
  const key = await world.channelKey();
  assertMatch(key, /^[\w-]{22}$/);
  await using analyst = await Analyst.create(world);
  for (const name of [channelOf("r"), "rooms:permissions", `rooms:echo:${"0".repeat(12)}`]) {
    const channel = privateChannel(key, name);
    assert(new TextEncoder().encode(channel).length <= 63, channel);
    await analyst.listen(channel);
    await sql`select rooms.notify(${name}, 'here')`;
    assertStringIncludes((await analyst.heard()).at(-1) ?? "", channel);
  }
  await sql`update rooms.channel_key set key = default`;
  assert(await world.channelKey() !== key);
});

testOnPostgres("no statement of an isolate shows the key to roles that monitor", async (world) => {
  const isolate = await world.open();
  await Listener.open(isolate, "r");
  await isolate.publish("r", [draft("m")]);
  const key = await world.channelKey();
  const statements = await world.database.sql<{ query: string }[]>`
    select query from pg_stat_activity where application_name = 'realtime' and datname = current_database()
  `;
  assert(statements.length >= 3);
  assertEquals(statements.filter(({ query }) => query.includes(key)), []);
});

/** Notifications that only somebody with the key can send. */
const FORGED: readonly (readonly [name: string, payload: (epoch: string) => string])[] = [
  ["a message far ahead", (epoch) => `${epoch}\u001e${messageRecord(1_000_000)}`],
  ["an announced message far ahead", (epoch) => `${epoch}\u001eo\u001f900000000000`],
  ["a message that was delivered", (epoch) => `${epoch}\u001e${messageRecord(2)}`],
  ["a message of another epoch", () => `0123456789abcdef\u001e${messageRecord(3)}`],
  ["data that is no JSON", (epoch) => `${epoch}\u001e${messageRecord(3, "not json")}`],
  ["data that adds fields", (epoch) => `${epoch}\u001e${messageRecord(3, '1},"injected":{"a":1')}`],
  ["an ephemeral message without JSON", () => "\u001e" + ["e", "i", "x", "u", "", 1, "", "{"].join("\u001f")],
  ["an offset that is no number", (epoch) => `${epoch}\u001e${messageRecord("1e99")}`],
  ["an offset that is not there", (epoch) => `${epoch}\u001em`],
  [
    "presence without a version",
    (epoch) => `${epoch}\u001e${["p", "", "j", "b", "b1", "", "{}"].join("\u001f")}`,
  ],
  ["presence far ahead", (epoch) => `${epoch}\u001e${["p", 99, "j", "b", "b1", "", "{}"].join("\u001f")}`],
  [
    "presence that was delivered",
    (epoch) => `${epoch}\u001e${["p", 1, "l", "a", "a1", "", "{}"].join("\u001f")}`,
  ],
  ["a state that is no JSON", (epoch) => `${epoch}\u001e${["p", 2, "j", "b", "b1", "", "}"].join("\u001f")}`],
  [
    "a change of an unknown type",
    (epoch) => `${epoch}\u001e${["p", 2, "z", "b", "b1", "", "{}"].join("\u001f")}`,
  ],
  ["a reference that is no number", (epoch) => `${epoch}\u001ex\u001fabc`],
];

for (const [name, payload] of FORGED) {
  testOnPostgres(`${name}: a forged notification changes nothing, and is logged once`, async (world) => {
    const isolate = await world.open();
    const listener = await Listener.open(isolate, "r");
    await isolate.publish("r", drafts("m", 2));
    await isolate.enter("r", { user: "a", connection: "a1", state: "{}" });
    await eventually(() => Promise.resolve(listener.changes.length), (count) => count === 1);
    await listener.untilOffset(2);
    for (let time = 1; time <= 3; time++) {
      await world.database.sql`select rooms.notify(${channelOf("r")}, ${
        payload(listener.subscription.epoch)
      })`;
    }
    await settle(isolate, listener, "real");
    await isolate.enter("r", { user: "c", connection: "c1", state: "{}" });
    await eventually(() => Promise.resolve(listener.changes.length), (count) => count === 2);
    assertEquals(listener.messages.map(({ id }) => id), ["m1", "m2", "real"]);
    assertEquals(listener.events.map(({ type }) => type).toSorted(), [
      ...listener.events.filter(({ type }) => type === "messages").map(({ type }) => type),
      "presence",
      "presence",
    ]);
    assertEquals(world.events.map(({ type }) => type), ["connected", "ignored"]);
  });
}

testOnPostgres("a notification cannot bring a record of another room", async (world) => {
  const isolate = await world.open();
  const listener = await Listener.open(isolate, "r");
  await isolate.emit("other", ephemeral("secret", { data: JSON.stringify("x".repeat(9_000)) }));
  const [row] = await world.database.sql<{ id: string }[]>`select id from rooms.passing`;
  await world.database.sql`
    select rooms.notify(${channelOf("r")}, ${`${listener.subscription.epoch}\u001ex\u001f${row?.id}`})
  `;
  await settle(isolate, listener, "real");
  assertEquals(listener.ephemerals, []);
});

testOnPostgres("stored data that is no JSON is read as null, and a state as {}", async (world) => {
  const isolate = await world.open();
  await isolate.publish("r", drafts("m", 3));
  await isolate.enter("r", { user: "a", connection: "a1", state: "{}" });
  await world.database.sql`update rooms.messages set data = '1},"injected":{"a":1' where "offset" = 2`;
  await world.database.sql`update rooms.presence set state = 'not json'`;
  const { messages } = await isolate.history("r", { after: 0, limit: 10 });
  assertEquals(messages.map(({ offset, data }) => [offset, data === "null"]), [[1, false], [2, true], [
    3,
    false,
  ]]);
  assertEquals((await isolate.present("r")).map(({ state }) => state), ["{}"]);
});

testOnPostgres("isolates follow a changed key, and lose nothing", async (world) => {
  const isolate = await world.open();
  const listener = await Listener.open(isolate, "r");
  await world.database.sql`update rooms.channel_key set key = default`;
  await isolate.publish("r", [draft("missed")]);
  await listener.untilOffset(1);
  await settle(isolate, listener, "next");
  assertEquals(listener.messages.map(({ id }) => id), ["missed", "next"]);
}, { checkMs: 200, echoMs: 500 });

testOnPostgres("isolates of the release before are told too, until they have ended", async (world) => {
  const { sql } = world.database;
  // They listen on public channels, and call rooms.renew.
  await using old = await Analyst.create(world);
  await old.listen(channelOf("r"));
  const isolate = await world.open();
  await isolate.publish("r", [draft("before")]);
  assertEquals((await old.heard()).length, 0);
  await sql`select rooms.renew(gen_random_uuid(), 15000, 10000, false)`;
  await isolate.publish("r", [draft("during")]);
  await isolate.enter("r", { user: "a", connection: "a1", state: "{}" });
  await isolate.publish(
    "r",
    drafts("long", 3).map((one) => ({ ...one, data: JSON.stringify("x".repeat(7_000)) })),
  );
  assertEquals((await old.heard()).length, 5);
  await sql`update rooms.channel_key set old_isolates_until = now()`;
  await isolate.publish("r", [draft("after")]);
  await isolate.renew();
  await isolate.publish("r", [draft("last")]);
  assertEquals((await old.heard()).length, 5);
});
