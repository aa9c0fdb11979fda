/** Frames of clients as JSON text, valid and nearly valid, for the property of the frame parser. */
import fc from "fast-check";

/** A field of a frame: its name, and its value as JSON text. */
export type FieldText = readonly [name: string, value: string];

/** Writes a frame. Names may repeat; the last counts. */
export function frameText(fields: readonly FieldText[]): string {
  return `{${fields.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(",")}}`;
}

function fieldTexts(frame: Readonly<Record<string, unknown>>): FieldText[] {
  return Object.entries(frame).map(([name, value]) => [name, JSON.stringify(value)]);
}

/** Valid frames of every type, with every optional field at least once. */
export const BASE_FRAMES: readonly FieldText[][] = [
  { type: "publish", id: "1", event: "chat", data: { text: "hi" } },
  { type: "publish", id: "1", event: "chat", data: null, exclude: "self", room: "rooms/lobby" },
  { type: "publish", id: "1", event: "chat", data: 0, ephemeral: true, to: { user: "bob" } },
  { type: "publish", id: "1", event: "chat", data: false, ephemeral: true, to: { connection: "c" } },
  { type: "publish", id: "1", event: "chat", data: 0, ephemeral: true, key: "cursor", ack: false },
  { type: "publish", id: "1", event: "chat", data: 0, ack: true },
  { type: "presence", id: "1", state: { here: true } },
  { type: "presence", id: "1", state: null, room: "lobby" },
  { type: "history", id: "1", after: 0, limit: 500 },
  { type: "history", id: "1", before: 9, limit: 1 },
  { type: "call", id: "1", method: "roll", data: [6] },
  { type: "call", id: "1", method: "roll" },
  { type: "auth", id: "1", token: "eyJ" },
  { type: "ping", id: "1" },
  { type: "join", id: "1", room: "rooms/lobby" },
  { type: "join", id: "1", room: "lobby", after: 3, epoch: "e", connection: "c" },
  { type: "join", id: "1", room: "lobby", after: 0, epoch: "" },
  { type: "join", id: "1", room: "lobby", history: 20 },
  { type: "leave", id: "1", room: "rooms/lobby" },
].map(fieldTexts);

const NUMBERS = [
  ...["0", "-0", "1", "-1", "0.5", "1.0", "1e2", "500", "500.5", "501", "1e400", "-1e400", "5e-324"],
  ...["9007199254740991", "9007199254740992", "9007199254740993", "-9007199254740991", "1e16"],
];
const TEXTS = [
  ...["", " ", "0", "1", "NaN", "Infinity", "null", "true", "self", "Self", "__proto__", "constructor"],
  ...["publish", "presence", "history", "call", "auth", "ping", "join", "leave", "welcome", "Publish"],
  ...["lobby", "rooms/lobby", "a/b/c", "/lobby", "rooms/", "..", "../x", "./x", "a/..", ".a/.b", "a:b"],
  ...["a:b/c", "a/b:c", "a\n", "\ud800", "\ufeff1", "e\u0301", "😀", "\u0000", "x/é"],
  ...[63, 64, 65, 128, 129, 4_097].flatMap((count) => ["x".repeat(count), "😀".repeat(count / 2)]),
].map((text) => JSON.stringify(text));
const OBJECTS = [
  ...["{}", "[]", "[[]]", '["self"]', '["publish"]', '{"length":1}', '{"toString":"x"}', "[1]"],
  ...['{"__proto__":{"user":"x"}}', '{"__proto__":null,"user":"x"}', '{"constructor":{"user":"x"}}'],
  ...['{"user":"x"}', '{"user":""}', '{"user":5}', '{"user":null}', '{"connection":"x"}'],
  ...['{"connection":""}', '{"connection":[]}', '{"user":"x","connection":"y"}', '{"user":"x","user":5}'],
  ...['{"user":"","connection":""}', '{"user":"","connection":"y"}', '{"user":"x","connection":""}'],
  ...['{"user":null,"connection":"y"}', '{"user":"x","connection":null}', '{"user":"x","device":"y"}'],
];

/** JSON texts that fit some fields, and are wrong or nearly right for others. */
export const ODD_VALUES: readonly string[] = ["null", "true", "false", ...NUMBERS, ...TEXTS, ...OBJECTS];

const FIELD_NAMES = [
  ...["type", "id", "event", "data", "ephemeral", "to", "exclude", "key", "ack", "state"],
  ...["after", "before", "limit", "method", "token", "room", "epoch", "connection", "history"],
  ...["__proto__", "constructor", "toString", "hasOwnProperty", "", "0", "Type", "id ", "unknown"],
];

const Value = fc.oneof(fc.constantFrom(...ODD_VALUES), fc.json({ maxDepth: 2 }));
/** A change of a frame. */
const Change = fc.oneof(
  fc.record({ do: fc.constant("add" as const), name: fc.constantFrom(...FIELD_NAMES), value: Value }),
  fc.record({ do: fc.constant("replace" as const), at: fc.nat(), value: Value }),
  fc.record({ do: fc.constant("drop" as const), at: fc.nat() }),
  fc.record({ do: fc.constant("rotate" as const), at: fc.nat() }),
);

/** A frame of a client as JSON text, with up to three changes. */
export const Frame: fc.Arbitrary<string> = fc.tuple(
  fc.constantFrom(...BASE_FRAMES),
  fc.array(Change, { maxLength: 3 }),
).map(([base, changes]) => {
  let fields = [...base];
  for (const change of changes) {
    if (change.do === "add") {
      // At the beginning, a later field of the same name wins.
      if (change.value.length % 2) fields.unshift([change.name, change.value]);
      else fields.push([change.name, change.value]);
      continue;
    }
    const at = change.at % Math.max(fields.length, 1);
    const [name] = fields[at] ?? ["id"];
    if (change.do === "replace") fields[at] = [name, change.value];
    else if (change.do === "drop") fields.splice(at, 1);
    else fields = [...fields.slice(at), ...fields.slice(0, at)];
  }
  return frameText(fields);
});
