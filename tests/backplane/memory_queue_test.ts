/** Tests the memory store's queue against a plain array. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { Queue } from "../../packages/server/src/backplane/memory/delivery_queue.ts";

Deno.test("a queue returns the same items as an array for any sequence of pushes and shifts", () => {
  const step = fc.record({
    add: fc.nat({ max: 60 }),
    take: fc.nat({ max: 60 }),
    from: fc.nat(),
    to: fc.nat(),
  });
  fc.assert(fc.property(fc.array(step), (steps) => {
    const queue = new Queue<{ readonly number: number }>();
    const array: { readonly number: number }[] = [];
    let number = 0;
    for (const { add, take, from, to } of steps) {
      for (let count = 0; count < add; count++) {
        const item = { number: number++ };
        queue.push(item);
        array.push(item);
      }
      for (let count = 0; count < take; count++) assertEquals(queue.shift(), array.shift());
      assertEquals(queue.length, array.length);
      assertEquals(queue.oldest, array[0]);
      const [first, last] = [from % (array.length + 1), to % (array.length + 1)];
      assertEquals(queue.slice(first, last), array.slice(first, last));
    }
  }));
});
