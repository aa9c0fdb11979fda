/** The order of one connection's publishes: what was refused is waited for, and for how long. */
import { assertEquals } from "@std/assert";
import { PublishOrder } from "../../packages/server/src/rooms/inbound/publish_order.ts";

/** An order, its time, and the messages that were delivered. */
function createScene(most = 100) {
  const time = { now: 1_000_000 };
  const delivered: string[] = [];
  const order = new PublishOrder({
    maxPublishes: most,
    now: () => time.now,
    head: () => delivered.length,
    isDelivered: (id, after) => delivered.slice(after).includes(id),
  });
  const admitted = (...ids: string[]) => ids.filter((id) => order.admit(id));
  return { order, time, delivered, admitted };
}

Deno.test("publishes that succeed are all admitted, under whatever id", () => {
  const { order, admitted } = createScene();
  assertEquals(admitted("a", "b", "a"), ["a", "b", "a"]);
  for (const id of ["a", "b", "a"]) order.settle(id);
  assertEquals(admitted("a", "c"), ["a", "c"]);
});

Deno.test("behind one that failed nothing is admitted until it comes again, and then in the order in which all came", () => {
  const { order, admitted } = createScene();
  admitted("a", "b", "c");
  for (const id of ["a", "b", "c"]) order.fail(id);
  assertEquals(admitted("d", "c", "b", "e"), []);
  assertEquals(admitted("a"), ["a"]);
  assertEquals(admitted("e", "d", "c", "b", "c", "e", "d", "e", "f"), ["b", "c", "d", "e", "f"]);
});

Deno.test("one that fails again is waited for again, before those that were held back", () => {
  const { order, admitted } = createScene();
  admitted("a", "b");
  for (const id of ["a", "b"]) order.fail(id);
  assertEquals(admitted("c", "a", "b"), ["a", "b"]);
  for (const id of ["a", "b"]) order.fail(id);
  assertEquals(admitted("c", "b", "a", "b", "c", "d"), ["a", "b", "c", "d"]);
});

Deno.test("who never sends it again is held up for five seconds, however much it sends meanwhile", () => {
  const { order, time, admitted } = createScene();
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

Deno.test("each that comes again gives the next one five seconds", () => {
  const { order, time, admitted } = createScene();
  admitted("a", "b", "c");
  for (const id of ["a", "b", "c"]) order.fail(id);
  for (const id of ["a", "b", "c"]) {
    time.now += 4_999;
    assertEquals(admitted("new", id), [id]);
    order.settle(id);
  }
  assertEquals(admitted("newer", "new", "newer"), ["new", "newer"]);
});

Deno.test("a clock that is set back does not hold anything up for longer", () => {
  const { order, time, admitted } = createScene();
  admitted("a");
  order.fail("a");
  time.now -= 3_600_000;
  assertEquals(admitted("b"), ["b"]);
});

Deno.test("one that was stored all the same, as its delivery shows, is not waited for", () => {
  const { order, delivered, admitted } = createScene();
  delivered.push("b");
  admitted("a", "b", "c");
  delivered.push("a");
  for (const id of ["a", "b", "c"]) order.fail(id);
  // What was delivered before it came is another message of that id.
  assertEquals(admitted("c", "b", "c"), ["b", "c"]);
});

Deno.test("one that is refused for good when it comes again is not waited for", () => {
  const { order, admitted } = createScene();
  admitted("a", "b");
  for (const id of ["a", "b"]) order.fail(id);
  order.settle("a");
  assertEquals(admitted("c", "b", "c"), ["b", "c"]);
});

Deno.test("of two under the same id that are under way the second one's failure holds nothing up", () => {
  const { order, admitted } = createScene();
  admitted("a", "a");
  order.settle("a");
  order.fail("a");
  assertEquals(admitted("b"), ["b"]);
});

Deno.test("no more are remembered than there is room for, and none beyond that is waited for", () => {
  const { order, admitted } = createScene(3);
  admitted("a");
  order.fail("a");
  assertEquals(admitted("b", "c", "d", "e"), []);
  assertEquals(admitted("a", "e", "b", "c", "e", "d"), ["a", "b", "c", "e", "d"]);
});
