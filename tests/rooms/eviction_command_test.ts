/** Text of commands between isolates. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  commandText,
  type EvictionTarget,
  parseCommand,
  type PublishedCommand,
} from "../../packages/server/src/rooms/eviction/eviction_command.ts";

const text = () => fc.string({ minLength: 1, maxLength: 300, unit: "binary" });
const reason = () => fc.option(fc.string({ maxLength: 200 }), { nil: undefined });
const target = (): fc.Arbitrary<EvictionTarget> =>
  fc.oneof(fc.record({ user: text() }), fc.record({ connection: text() }));

function withReason<T extends object>(command: T, why: string | undefined): T & { reason?: string } {
  return why === undefined ? command : { ...command, reason: why };
}

const published = (): fc.Arbitrary<PublishedCommand> =>
  fc.oneof(
    fc.tuple(text(), text(), target(), reason()).map(([isolate, room, to, why]) => ({
      isolate,
      command: withReason({ type: "kick" as const, room, target: to }, why),
    })),
    fc.tuple(text(), text(), reason()).map(([isolate, user, why]) => ({
      isolate,
      command: withReason({ type: "disconnect" as const, target: { user } }, why),
    })),
  );

Deno.test("a command survives its text", () => {
  fc.assert(fc.property(published(), (one) => assertEquals(parseCommand(commandText(one)), one)));
});

Deno.test("text that is no command is recognized, whatever it is", () => {
  const kick = { type: "kick", room: "rooms/a", target: { user: "bob" } };
  const malformed = [
    "",
    "{",
    "null",
    "[]",
    JSON.stringify(kick),
    JSON.stringify({ isolate: "", command: kick }),
    JSON.stringify({ isolate: "i", command: null }),
    ...[
      { type: "ban" },
      { room: "" },
      { room: 7 },
      { target: undefined },
      { target: null },
      { target: {} },
      { target: { user: "" } },
      { target: { user: ["bob"] } },
      { target: { user: "bob", connection: "c-1" } },
      { type: "disconnect", target: { connection: "c-1" } },
      { reason: 7 },
      { reason: "x".repeat(201) },
    ].map((change) => JSON.stringify({ isolate: "i", command: { ...kick, ...change } })),
  ];
  for (const one of malformed) assertEquals(parseCommand(one), undefined, one);
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (one) => void parseCommand(one)));
});
