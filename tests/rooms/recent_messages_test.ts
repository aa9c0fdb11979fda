import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { RecentMessages, type Retained } from "../../packages/server/src/rooms/outbound/recent_messages.ts";

/** Retention without limits. */
const ALL: Retained = { messages: Infinity, ageMs: Infinity, now: () => 0 };

Deno.test("at first it reaches only the head", () => {
  const recent = new RecentMessages(41, ALL);
  assertEquals(recent.head, 41);
  assert(recent.reaches(41));
  assert(!recent.reaches(40));
  assertEquals(recent.after(41), []);
});

Deno.test("added messages are returned after each offset", () => {
  const recent = new RecentMessages(41, ALL);
  for (const text of ["42", "43", "44"]) recent.add(text, 0);
  assertEquals(recent.head, 44);
  assertEquals(recent.after(41), ["42", "43", "44"]);
  assertEquals(recent.after(43), ["44"]);
  assertEquals(recent.after(44), []);
  assert(!recent.reaches(40));
});

Deno.test("after a skip it reaches the new head only", () => {
  const recent = new RecentMessages(0, ALL);
  recent.add("1", 0);
  recent.skipTo(10);
  assertEquals([recent.head, recent.reaches(9), recent.reaches(10), recent.after(10)], [10, false, true, []]);
  recent.add("11", 0);
  assertEquals(recent.after(10), ["11"]);
});

/** Number of messages that it reaches back. */
function countReached(recent: RecentMessages): number {
  let count = 0;
  while (recent.head - count > 0 && recent.reaches(recent.head - count - 1)) count++;
  return count;
}

Deno.test("of a thousand small messages it caches a limited number", () => {
  const recent = new RecentMessages(0, ALL);
  for (let offset = 1; offset <= 1_000; offset++) {
    recent.add(String(offset), 0);
    assert(countReached(recent) >= Math.min(offset, 16), `${countReached(recent)} after ${offset}`);
    assert(countReached(recent) <= 128, `${countReached(recent)} after ${offset}`);
  }
});

for (const length of [1_000, 30_000, 60_000, 1_000_000]) {
  Deno.test(`of messages of ${length} characters it caches 65536 characters, and always the last message`, () => {
    const recent = new RecentMessages(0, ALL);
    for (let offset = 1; offset <= 300; offset++) {
      recent.add("a".repeat(length), 0);
      const cached = countReached(recent);
      assert(cached >= 1 && (cached === 1 || cached * length <= 65_536), `${cached} after ${offset}`);
    }
  });
}

/** Number of reached messages that the room retains. */
function countRetained(recent: RecentMessages): number {
  let count = 0;
  while (count < countReached(recent) && recent.retains(recent.head - count - 1)) count++;
  return count;
}

Deno.test("it knows which messages the room still retains, by number and age", () => {
  let now = 1_000;
  const recent = new RecentMessages(0, { messages: 3, ageMs: 100, now: () => now });
  for (const at of [1_000, 1_010, 1_020, 1_030]) recent.add(String(at), at);
  assertEquals([countReached(recent), countRetained(recent)], [4, 3]);
  for (const [time, count] of [[1_109, 3], [1_110, 2], [1_129, 1], [1_130, 0], [9_999, 0]] as const) {
    now = time;
    assertEquals([countReached(recent), countRetained(recent)], [4, count], `at ${time}`);
  }
  assert(recent.retains(4), "nothing is missing after the head");
});

Deno.test("without retention no message is retained, but new members are brought to the head", () => {
  const recent = new RecentMessages(7, { ...ALL, messages: 0 });
  recent.add("8", 0);
  assertEquals([recent.head, recent.retains(7), recent.retains(8)], [8, false, true]);
  assertEquals([recent.reaches(7), recent.after(7)], [true, ["8"]]);
});

const Step = fc.oneof(
  { weight: 20, arbitrary: fc.record({ length: fc.constantFrom(1, 10, 2_000, 40_000) }) },
  { weight: 1, arbitrary: fc.record({ skip: fc.nat({ max: 50 }) }) },
);

Deno.test("for any additions and skips, the reached messages are complete and in order", () => {
  fc.assert(
    fc.property(fc.nat({ max: 1_000 }), fc.array(Step, { maxLength: 300 }), (start, steps) => {
      const recent = new RecentMessages(start, ALL);
      let head = start;
      for (const step of steps) {
        if ("length" in step) recent.add(String(++head).padEnd(step.length), 0);
        else recent.skipTo(head += step.skip);
        assertEquals(recent.head, head);
      }
      for (let offset = Math.max(0, head - 200); offset <= head; offset++) {
        if (!recent.reaches(offset)) continue;
        const texts = recent.after(offset).map(Number);
        assertEquals(texts, Array.from({ length: head - offset }, (_, index) => offset + index + 1));
      }
    }),
    { numRuns: 300 },
  );
});
