/** Fields of ephemeral messages on the wire, which isolates of an earlier version read too. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Ephemeral } from "../../packages/server/src/backplane/contract.ts";
import { ephemeralFields, parseEphemeral } from "../../packages/server/src/backplane/wire/wire_records.ts";

const text = fc.string({ unit: "binary" });
const name = text.filter((text) => text !== "");
const message: fc.Arbitrary<Ephemeral> = fc.record({
  id: text,
  event: text,
  data: fc.json(),
  from: fc.record({ user: text, connection: text }, { requiredKeys: ["user"] }),
  at: fc.nat(),
  to: fc.oneof(fc.record({ user: name }), fc.record({ connection: text })),
  exclude: name,
  key: name,
}, { requiredKeys: ["id", "event", "data", "from", "at"] });

Deno.test("an ephemeral message is read as it was written", () => {
  fc.assert(fc.property(message, (message) => {
    assertEquals(parseEphemeral(ephemeralFields(message)), message);
  }));
});

Deno.test("an earlier version reads the same message without the exclusion and the key", () => {
  fc.assert(fc.property(message, (message) => {
    const { exclude: _, key: __, ...rest } = message;
    // Versions before the exclusion read seven fields.
    assertEquals(ephemeralFields(message).slice(0, 7), ephemeralFields(rest));
  }));
});

Deno.test("an earlier version reads the same exclusion without the key, or one of no connection", () => {
  fc.assert(fc.property(message, name, (message, key) => {
    const { key: _, ...rest } = message;
    const read = parseEphemeral(ephemeralFields({ ...rest, key }).slice(0, 8));
    assertEquals(read, { ...rest, exclude: rest.exclude ?? "" });
  }));
});
