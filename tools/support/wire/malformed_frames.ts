import type { SeededRandom } from "../seeded_random.ts";

/** A WebSocket message that breaks the protocol. */
export interface Malformed {
  readonly text: string;
  /** Number of `invalid_frame` errors for a `realtime.v1` member; other members receive one. */
  readonly answers: number;
  /** Id in the error; null if the error must have none, undefined if either is right. */
  readonly id?: string | null | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

/** Placeholder for a JSON number that no double can hold. */
const HUGE = "@huge@";
/** Placeholder for `__proto__`, which an object literal does not keep as a key. */
const PROTO = "@proto@";

const GOOD: Readonly<Record<string, Fields>> = {
  publish: { id: "a", event: "e", data: 1 },
  presence: { id: "a", state: {} },
  history: { id: "a", after: 0, limit: 10 },
  auth: { id: "a", token: "t" },
  ping: { id: "a" },
};

const NOT_A_NAME = [
  undefined,
  "",
  "x".repeat(65),
  "\0".repeat(65),
  "😀".repeat(65),
  1,
  null,
  {},
  [],
  true,
  HUGE,
];
const NOT_AN_OFFSET = [-1, 1.5, "1", null, 2 ** 53, HUGE, {}, [0], true];
const DEEP: unknown = Array.from({ length: 64 }).reduce<unknown>((inner) => [inner], 1);

/** Invalid values for the fields of a valid frame. */
const WRONG: readonly (readonly [type: string, field: string, values: readonly unknown[]])[] = [
  ["publish", "id", NOT_A_NAME],
  ["publish", "event", NOT_A_NAME],
  ["publish", "data", [undefined, [DEEP], { [PROTO]: DEEP }]],
  ["publish", "ephemeral", ["true", 1, null, {}, []]],
  ["publish", "to", ["bob", {}, null, [], { user: 1 }, { user: "" }, { user: "bob" }, {
    [PROTO]: { user: "bob" },
  }]],
  ["presence", "id", NOT_A_NAME],
  ["presence", "state", [undefined, "x", 1, [], true, HUGE, { big: "x".repeat(4_096) }, { deep: DEEP }]],
  ["history", "id", NOT_A_NAME],
  ["history", "limit", [undefined, 0, 501, ...NOT_AN_OFFSET]],
  ["history", "after", [undefined, ...NOT_AN_OFFSET]],
  ["history", "before", [0, ...NOT_AN_OFFSET]],
  ["auth", "id", NOT_A_NAME],
  ["auth", "token", [undefined, 1, null, {}, ["t"]]],
  ["ping", "id", NOT_A_NAME],
];

const UNKNOWN_TYPES = [
  ...[
    undefined,
    "",
    "Publish",
    "publish ",
    "publish\0",
    "welcome",
    "\ud800",
    "__proto__",
    "constructor",
    "toString",
  ],
  ...[1, null, true, {}, [], ["publish"], { publish: 1 }, DEEP],
];

const NOT_JSON = [
  "",
  " ",
  "{",
  "]",
  "nul",
  "NaN",
  "undefined",
  "'a'",
  "\0",
  "{}{}",
  "{a:1}",
  "[1,]",
  '"\u0001"',
  "\ufeff{}",
];
const NO_OBJECT = ["0", "-1e308", "1e999", '"publish"', '"\\ud800"', "null", "true", '"__proto__"'];

/** Creates a message that breaks the protocol in one of many ways. */
export function malformed(random: SeededRandom): Malformed {
  switch (random.below(8)) {
    case 0:
      return { text: random.pick(NOT_JSON), answers: 1, id: null };
    case 1:
      return { text: truncated(random), answers: 1, id: null };
    case 2:
      return { text: random.pick(NO_OBJECT), answers: 1, id: null };
    case 3:
      return withType(random.pick(UNKNOWN_TYPES), random.pick(Object.keys(GOOD)));
    case 4:
      return severalIn(Array.from({ length: 1 + random.below(5) }, () => wrongField(random)));
    case 5:
      return nested(random);
    case 6:
      return {
        text: `[${Array.from({ length: 101 }, () => '{"type":"ping","id":"a"}').join(",")}]`,
        answers: 1,
      };
    default:
      return wrongField(random);
  }
}

function textOf(value: unknown): string {
  return JSON.stringify(value).replaceAll(`"${HUGE}"`, "1e400").replaceAll(PROTO, "__proto__");
}

function wrongField(random: SeededRandom): Malformed {
  const [type, field, values] = random.pick(WRONG);
  const text = textOf({ type, ...GOOD[type], [field]: random.pick(values), unknown: random.below(100) });
  return { text, answers: 1, id: field === "id" ? undefined : "a" };
}

function withType(type: unknown, like: string): Malformed {
  const { id, ...fields } = { id: "a", ...GOOD[like] };
  return { text: textOf({ type, id, ...fields, [PROTO]: { type: like } }), answers: 1, id: "a" };
}

function truncated(random: SeededRandom): string {
  const text = textOf({ type: "publish", id: "a", event: "e", data: { a: [1, 2, { b: null }] } });
  return text.slice(0, 1 + random.below(text.length - 1));
}

function nested(random: SeededRandom): Malformed {
  const good = { type: "ping", id: "a" };
  return {
    text: textOf(random.pick([[[good]], [[]], [[[[]]]], [null], [1], [[good, good]], [{}]])),
    answers: 1,
  };
}

function severalIn(frames: readonly Malformed[]): Malformed {
  return { text: `[${frames.map(({ text }) => text).join(",")}]`, answers: frames.length };
}
