/** Notes about senders that do not get their own message. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  type ExcludedSender,
  ExcludedSenders,
} from "../../packages/server/src/rooms/outbound/excluded_senders.ts";

const step = fc.record({
  do: fc.constantFrom("add", "take", "delete", "leave", "wait"),
  user: fc.constantFrom("alice", "bob"),
  id: fc.constantFrom("a", "b", "1:a"),
  tab: fc.nat({ max: 1 }),
});

Deno.test("a note is taken once, only for its user and id, and not after its member has left", () => {
  fc.assert(fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
    let now = 0;
    const excluded = new ExcludedSenders<string>(() => now);
    const model = new Map<string, { readonly note: ExcludedSender<string>; readonly until: number }>();
    for (const { do: what, user, id, tab } of steps) {
      const key = JSON.stringify([user, id]);
      const sender = `${user}'s tab ${tab}`;
      if (what === "add") model.set(key, { note: excluded.add(user, id, sender), until: now + 60_000 });
      else if (what === "take") {
        const known = model.get(key);
        assertEquals(excluded.take(user, id), known && known.until > now ? known.note : undefined);
        model.delete(key);
      } else if (what === "delete") {
        const known = model.get(key);
        if (known) excluded.delete(known.note);
        model.delete(key);
      } else if (what === "leave") {
        excluded.deleteAllOf(sender);
        for (const [key, { note }] of model) if (note.sender === sender) model.delete(key);
      } else now += 25_000;
    }
  }));
});

Deno.test("notes are bounded, and void ones make room", () => {
  let now = 0;
  const excluded = new ExcludedSenders<string>(() => now);
  for (let index = 0; index < 5_000; index++) excluded.add("alice", `${index}`, "tab");
  assertEquals(excluded.size, 4_096);
  assertEquals(excluded.take("alice", "0"), undefined);
  assert(excluded.take("alice", "4999"));
  now = 60_000;
  excluded.add("alice", "new", "tab");
  assertEquals(excluded.size, 1);
});
