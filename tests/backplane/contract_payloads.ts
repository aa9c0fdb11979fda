import { assertEquals } from "@std/assert";
import type { Backplane, Draft } from "../../packages/server/src/backplane/contract.ts";
import { Listener } from "./listener.ts";
import { readAll } from "./pages.ts";
import { draft, ephemeral, ODD_NAMES } from "./samples.ts";
import { type Subject, type TestWorld, worldTest } from "./world.ts";

/** JSON texts; some of them change in a round trip through JSON.parse and JSON.stringify. */
const TEXTS: readonly string[] = [
  "null",
  "0",
  "-0",
  "1e400",
  "12345678901234567890.10",
  '""',
  '{"b":1,"a":2,"b":3}',
  ' { "spaced" : [ ] } ',
  '"ünïcödé 🚀 \u2028"',
  '"\\ud800 alone \\udfff"',
  '"\\u0000 nothing"',
  '"quotes \\" \' \\\\ ` $1 %s :name"',
  '{"__proto__":{"constructor":1}}',
];

/** Tests that texts pass unchanged. */
export function testPayloads(subject: Subject): void {
  worldTest(subject, "data passes as unchanged text", async (world) => {
    await assertPass(world, TEXTS.map((data, index) => draft(`${index}`, { data })));
  });

  worldTest(subject, "ids, events, users and connections may contain any text", async (world) => {
    const odd = ODD_NAMES.map((name) =>
      draft(`id ${name}`, { event: name, from: { user: name, connection: `c${name}` } })
    );
    await assertPass(world, odd);
  });

  worldTest(
    subject,
    "ids and events may contain characters that UTF-8 or a database cannot hold",
    async (world) => {
      await assertPass(world, [
        draft("\u0000", { event: "\u0000 zero" }),
        draft("\ud800", { event: "high \ud800" }),
        draft("\ud801", { event: "high \ud801" }),
        draft("\udc00", { event: "low \udc00" }),
      ]);
    },
  );

  worldTest(subject, "a sender without a connection is delivered without one", async (world) => {
    await assertPass(world, [draft("1", { from: { user: "alice" } })]);
  });

  worldTest(subject, "messages of 60 KB pass, alone and in a batch", async (world) => {
    const data = JSON.stringify("é🚀x".repeat(8_600));
    await assertPass(world, [draft("1", { data })]);
    await assertPass(world, Array.from({ length: 20 }, (_, index) => draft(`more ${index}`, { data })));
  });

  worldTest(subject, "ephemeral messages pass as unchanged text", async (world) => {
    const isolate = await world.open();
    const listeners = await listenEverywhere(world, isolate, "r");
    const sent = [
      ...[...TEXTS, JSON.stringify("é🚀x".repeat(8_600))].map((data, index) =>
        ephemeral(`${index}`, { data })
      ),
      ...ODD_NAMES.map((name) => ephemeral(`id ${name}`, { event: name, to: { user: name } })),
      ephemeral("\u0000", { event: "\ud800" }),
    ];
    for (const message of sent) await isolate.emit("r", message);
    await isolate.emit("r", ephemeral("last"));
    for (const listener of listeners) {
      await listener.untilId("last");
      assertEquals(listener.ephemerals.slice(0, -1), sent);
    }
  });

  worldTest(subject, "presence states pass as unchanged text", async (world) => {
    const isolate = await world.open();
    const listeners = await listenEverywhere(world, isolate, "r");
    const entries = [
      ...ODD_NAMES.map((name) => ({ user: name, connection: `c${name}`, state: "{}" })),
      { user: "big", connection: "big", state: JSON.stringify({ text: "é".repeat(2_000) }) },
      ...TEXTS.filter((text) => text.trim().startsWith("{")).map((state, index) => (
        { user: "texts", connection: `texts ${index}`, state }
      )),
    ];
    for (const entry of entries) await isolate.enter("r", entry);
    for (const listener of listeners) {
      await listener.untilChanges(entries.length);
      assertEquals(listener.changes, entries.map((entry) => ({ type: "joined" as const, entry })));
    }
  });
}

function listenEverywhere(world: TestWorld, isolate: Backplane, room: string): Promise<Listener[]> {
  const opening = [Promise.resolve(isolate), world.open()];
  return Promise.all(opening.map(async (opened) => await Listener.open(await opened, room)));
}

/** Publishes to a new room, and asserts that two isolates and history get the same messages. */
async function assertPass(world: TestWorld, published: readonly Draft[]): Promise<void> {
  const isolate = await world.open();
  const room = crypto.randomUUID();
  const listeners = await listenEverywhere(world, isolate, room);
  await isolate.publish(room, published);
  const messages = await readAll(await world.open(), room);
  assertEquals(messages.map(({ offset: _, at: __, ...stored }) => stored), [...published]);
  for (const listener of listeners) {
    await listener.untilOffset(published.length);
    assertEquals(listener.messages, messages);
  }
}
