/** Tests that a transaction left open on one room of Postgres delays that room only. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { deadline } from "@std/async";
import { BackplaneUnavailable } from "../../packages/server/src/backplane/contract.ts";
import { PATIENCE_MS } from "../../tools/support/wire/socket_client.ts";
import { Listener } from "./listener.ts";
import { leaveOpen } from "./open_transaction.ts";
import { draft, drafts, ephemeral, range } from "./samples.ts";
import { testOnPostgres } from "./test_on_postgres.ts";

/** Longest time that a locked room may delay another room, in milliseconds. */
const DELAY_MS = 1_500;

const LOCK_A = "select from rooms.rooms where name = 'a' for update";

testOnPostgres("a room that another transaction has locked delays no other room", async (world) => {
  const isolate = await world.open();
  const [a, b] = [await Listener.open(isolate, "a"), await Listener.open(isolate, "b")];
  for (const room of ["a", "b"]) await isolate.publish(room, [draft("first")]);
  await using transaction = await leaveOpen(world.database.sql, LOCK_A);
  const locked = isolate.publish("a", [draft("locked")]);
  for (const { id } of drafts("m", 20)) {
    await deadline(isolate.publish("b", [draft(id)]), DELAY_MS);
    await deadline(isolate.emit("a", ephemeral(`a ${id}`)), DELAY_MS);
    await deadline(isolate.emit("b", ephemeral(`b ${id}`)), DELAY_MS);
  }
  await a.untilId("a m20");
  await b.untilId("b m20");
  assertEquals(b.offsets, range(1, 21));
  assertEquals(a.offsets, [1]);
  await transaction.release();
  assertEquals(await deadline(locked, PATIENCE_MS), [{ offset: 2, duplicate: false }]);
  await a.untilOffset(2);
  assertEquals(a.offsets, [1, 2]);
});

testOnPostgres("a room that an open transaction made delays no other room", async (world) => {
  const isolate = await world.open();
  await isolate.publish("b", [draft("first")]);
  await using transaction = await leaveOpen(world.database.sql, "select rooms.make(array['a'])");
  const locked = isolate.publish("a", [draft("locked")]);
  const both = [isolate.publish("c", [draft("new")]), isolate.publish("b", [draft("second")])];
  await deadline(Promise.all(both), DELAY_MS);
  await deadline(isolate.publish("b", [draft("third")]), DELAY_MS);
  await transaction.release();
  assertEquals(await deadline(locked, PATIENCE_MS), [{ offset: 1, duplicate: false }]);
});

testOnPostgres("publishes to a locked room are stored once and in their order", async (world) => {
  const isolate = await world.open();
  for (const room of ["a", "b"]) await isolate.publish(room, [draft("first")]);
  await using transaction = await leaveOpen(world.database.sql, LOCK_A);
  const waiting = drafts("m", 10).map((message) => isolate.publish("a", [message]));
  await deadline(isolate.publish("b", [draft("second")]), DELAY_MS);
  waiting.push(...drafts("n", 10).map((message) => isolate.publish("a", [message])));
  // The same message again: it is stored once.
  waiting.push(isolate.publish("a", drafts("m", 2)));
  await transaction.release();
  const stored = await deadline(Promise.all(waiting), PATIENCE_MS);
  assertEquals(stored.slice(0, 20).flat().map(({ offset }) => offset), range(2, 21));
  assertEquals(stored[20], [{ offset: 2, duplicate: true }, { offset: 3, duplicate: true }]);
  const { messages } = await isolate.history("a", { after: 1, limit: 100 });
  assertEquals(messages.map(({ id }) => id), [...drafts("m", 10), ...drafts("n", 10)].map(({ id }) => id));
});

testOnPostgres(
  "publishes to a room that stays locked are refused in their order, and can be sent again",
  async (world) => {
    const isolate = await world.open();
    for (const room of ["a", "b"]) await isolate.publish(room, [draft("first")]);
    await using transaction = await leaveOpen(world.database.sql, LOCK_A);
    const refusals: string[] = [];
    const refused = drafts("m", 3).map(async (message) => {
      const error = await assertRejects(() => isolate.publish("a", [message]), BackplaneUnavailable);
      refusals.push(message.id);
      return error.message;
    });
    const [message] = await deadline(Promise.all(refused), PATIENCE_MS);
    assert(message?.includes("locked"), message);
    assertEquals(refusals, ["m1", "m2", "m3"]);
    await transaction.release();
    for (const again of drafts("m", 3)) await isolate.publish("a", [again]);
    const { messages } = await isolate.history("a", { after: 1, limit: 100 });
    assertEquals(messages.map(({ id }) => id), ["m1", "m2", "m3"]);
  },
  { statementMs: 1_000 },
);

testOnPostgres(
  "a locked room takes a bounded part of the queue",
  async (world) => {
    const isolate = await world.open();
    for (const room of ["a", "b"]) await isolate.publish(room, [draft("first")]);
    await using transaction = await leaveOpen(world.database.sql, LOCK_A);
    const first = isolate.publish("a", [draft("m")]);
    // The room is known as locked once a later batch is stored.
    await deadline(isolate.publish("b", [draft("second")]), DELAY_MS);
    await deadline(isolate.publish("b", [draft("third")]), DELAY_MS);
    const waiting = drafts("n", 40).map((message) => isolate.publish("a", [message]));
    const settled = Promise.allSettled(waiting);
    await deadline(isolate.publish("b", drafts("b", 30)), DELAY_MS);
    await transaction.release();
    await deadline(first, PATIENCE_MS);
    const results = await deadline(settled, PATIENCE_MS);
    const isStored = results.map(({ status }) => status === "fulfilled");
    // Refused messages come after all stored ones.
    assertEquals(isStored, isStored.toSorted((one, other) => Number(other) - Number(one)));
    assertEquals(isStored.filter(Boolean).length, 3);
  },
  { maxWaiting: 40 },
);

testOnPostgres("a closed isolate rejects what waits for a locked room", async (world) => {
  const isolate = await world.open();
  for (const room of ["a", "b"]) await isolate.publish(room, [draft("first")]);
  await using _transaction = await leaveOpen(world.database.sql, LOCK_A);
  const refused = assertRejects(() => isolate.publish("a", [draft("m")]), BackplaneUnavailable, "closed");
  await deadline(isolate.publish("b", [draft("second")]), DELAY_MS);
  await deadline(isolate.publish("b", [draft("third")]), DELAY_MS);
  await isolate.close();
  await deadline(refused, PATIENCE_MS);
});
