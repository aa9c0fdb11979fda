/** Order of one connection's publishes: later ones wait for a refused one, for a limited time. */
import { assertEquals } from "@std/assert";
import { PublishOrder } from "../../packages/server/src/rooms/inbound/publish_order.ts";

/** Creates an order with its clock and the delivered messages. */
function createFixture(maxPublishes = 100) {
  const time = { now: 1_000_000 };
  const delivered: string[] = [];
  const order = new PublishOrder({
    maxPublishes,
    now: () => time.now,
    head: () => delivered.length,
    isDelivered: (id, after) => delivered.slice(after).includes(id),
  });
  const admitted = (...ids: string[]) => ids.filter((id) => order.admit(id));
  return { order, time, delivered, admitted };
}

Deno.test("successful publishes are all admitted, with any id", () => {
  const { order, admitted } = createFixture();
  assertEquals(admitted("a", "b", "a"), ["a", "b", "a"]);
  for (const id of ["a", "b", "a"]) order.settle(id);
  assertEquals(admitted("a", "c"), ["a", "c"]);
});

Deno.test("after a failed publish nothing is admitted until its retry, and then all in their first order", () => {
  const { order, admitted } = createFixture();
  admitted("a", "b", "c");
  for (const id of ["a", "b", "c"]) order.fail(id);
  assertEquals(admitted("d", "c", "b", "e"), []);
  assertEquals(admitted("a"), ["a"]);
  assertEquals(admitted("e", "d", "c", "b", "c", "e", "d", "e", "f"), ["b", "c", "d", "e", "f"]);
});

Deno.test("a retry that fails holds back the others again", () => {
  const { order, admitted } = createFixture();
  admitted("a", "b");
  for (const id of ["a", "b"]) order.fail(id);
  assertEquals(admitted("c", "a", "b"), ["a", "b"]);
  for (const id of ["a", "b"]) order.fail(id);
  assertEquals(admitted("c", "b", "a", "b", "c", "d"), ["a", "b", "c", "d"]);
});

Deno.test("without a retry later publishes are held back for five seconds, however many there are", () => {
  const { order, time, admitted } = createFixture();
  admitted("a");
  order.fail("a");
  for (let second = 0; second < 5; second++) {
    assertEquals(admitted(`at ${second}`), []);
    time.now += 999;
  }
  assertEquals(admitted("before"), []);
  time.now += 5;
  assertEquals(admitted("after", "at 3", "at 0"), ["after", "at 3", "at 0"]);
});

Deno.test("each retry gives the next one five seconds", () => {
  const { order, time, admitted } = createFixture();
  admitted("a", "b", "c");
  for (const id of ["a", "b", "c"]) order.fail(id);
  for (const id of ["a", "b", "c"]) {
    time.now += 4_999;
    assertEquals(admitted("new", id), [id]);
    order.settle(id);
  }
  assertEquals(admitted("newer", "new", "newer"), ["new", "newer"]);
});

Deno.test("a failed publish that was delivered holds nothing back", () => {
  const { order, delivered, admitted } = createFixture();
  delivered.push("b");
  admitted("a", "b", "c");
  delivered.push("a");
  for (const id of ["a", "b", "c"]) order.fail(id);
  // A message delivered before the publish is another message of the same id.
  assertEquals(admitted("c", "b", "c"), ["b", "c"]);
});

Deno.test("a retry that is refused permanently holds nothing back", () => {
  const { order, admitted } = createFixture();
  admitted("a", "b");
  for (const id of ["a", "b"]) order.fail(id);
  order.settle("a");
  assertEquals(admitted("c", "b", "c"), ["b", "c"]);
});

Deno.test("of two pending publishes with the same id, the second one's failure holds nothing back", () => {
  const { order, admitted } = createFixture();
  admitted("a", "a");
  order.settle("a");
  order.fail("a");
  assertEquals(admitted("b"), ["b"]);
});

Deno.test("the number of remembered publishes is limited, and further ones hold nothing back", () => {
  const { order, admitted } = createFixture(3);
  admitted("a");
  order.fail("a");
  assertEquals(admitted("b", "c", "d", "e"), []);
  assertEquals(admitted("a", "e", "b", "c", "e", "d"), ["a", "b", "c", "e", "d"]);
});
