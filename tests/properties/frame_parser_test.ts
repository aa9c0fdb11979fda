/**
 * Property of the frame parser: it accepts, refuses and answers as the schemas of client frames do.
 * The schemas are the documented contract; the parser is what sockets use.
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { output } from "zod/v4/core";
import type { ZodMiniType } from "zod/mini";
import { MAX_EVENT_LENGTH, MAX_ID_LENGTH, MAX_METHOD_LENGTH } from "../../packages/protocol/limits.ts";
import { parseAddress, parseJoinQuery } from "../../packages/server/src/http/rooms/parse_address.ts";
import { idOf } from "../../packages/server/src/rooms/inbound/field_checks.ts";
import { frameRoom, parseSharedFrame } from "../../packages/server/src/rooms/inbound/parse_shared_frame.ts";
import { parseClientFrame } from "../../packages/server/src/rooms/inbound/parse_client_frame.ts";
import { ClientFrame, FrameId } from "../../packages/server/src/schemas/client_frames.ts";
import { JoinQuery } from "../../packages/server/src/schemas/join_query.ts";
import { RoomId } from "../../packages/server/src/schemas/room_id.ts";
import { FrameRoom, SharedClientFrame } from "../../packages/server/src/schemas/shared_frames.ts";
import { BASE_FRAMES, type FieldText, Frame, frameText, ODD_VALUES } from "./odd_frames.ts";

const SCHEMA_OF = [[parseClientFrame, ClientFrame], [parseSharedFrame, SharedClientFrame]] as const;

/** The result of a schema, in the form of the parser's. */
function fromSchema<S extends ZodMiniType>(schema: S, value: unknown): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) return { frame: parsed.data };
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  const [issue] = parsed.error.issues;
  const field = issue?.path.join(".") || undefined;
  const message = isObject
    ? `${field ?? "The frame"} ${issue?.message}`
    : "A frame is a JSON object with a type.";
  const id = isObject ? FrameId.safeParse(Object(value).id).data : undefined;
  return { problem: { message, id, field } };
}

/** Checks one message of a client. Returns true if a frame on a room's own socket is valid. */
function check(text: string): boolean {
  const value: unknown = JSON.parse(text);
  for (const [parse, schema] of SCHEMA_OF) assertEquals(parse(value), fromSchema(schema, value), text);
  assertEquals(frameRoom(value), FrameRoom.safeParse(value).data?.room, text);
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  assertEquals(idOf(value), isObject ? FrameId.safeParse(Object(value).id).data : undefined, text);
  return parseClientFrame(value).problem === undefined;
}

/** Replaces or drops the value of a field. */
function changed(frame: readonly FieldText[], name: string, value: string | undefined): FieldText[] {
  const rest = frame.filter(([key]) => key !== name);
  return value === undefined ? rest : [...rest, [name, value]];
}

Deno.test("the parser treats every base frame, and every odd value in each of its fields, as the schemas do", () => {
  const results = new Set<boolean>();
  for (const frame of BASE_FRAMES) {
    check(frameText(frame));
    const names = [
      ...frame.map(([name]) => name),
      "room",
      "to",
      "exclude",
      "ephemeral",
      "data",
      "after",
      "key",
      "ack",
    ];
    for (const name of names) {
      for (const value of [...ODD_VALUES, undefined]) {
        results.add(check(frameText(changed(frame, name, value))));
      }
    }
  }
  assertEquals(results.size, 2);
});

Deno.test("the parser counts the characters of texts as the schemas do", () => {
  for (const max of new Set([MAX_ID_LENGTH, MAX_EVENT_LENGTH, MAX_METHOD_LENGTH, 128])) {
    for (const unit of ["x", "é", "😀", "\u0000", "e\u0301"]) {
      for (const count of [max - 1, max, max + 1, max / 2, max / 2 + 1]) {
        const text = JSON.stringify(unit.repeat(count));
        for (const frame of BASE_FRAMES) {
          for (const [name] of frame) check(frameText(changed(frame, name, text)));
        }
      }
    }
  }
});

Deno.test("the parser treats frames with several changed fields as the schemas do", () => {
  let valid = 0;
  let invalid = 0;
  fc.assert(fc.property(Frame, (text) => void (check(text) ? valid++ : invalid++)), { numRuns: 20_000 });
  assert(valid > 1_000 && invalid > 1_000, `${valid} valid, ${invalid} invalid`);
});

Deno.test("the parser treats any JSON as the schemas do", () => {
  fc.assert(fc.property(fc.json({ maxDepth: 3 }), (text) => void check(text)), { numRuns: 5_000 });
});

const Id = fc.oneof(
  fc.string({ maxLength: 140 }),
  fc.stringMatching(/^[A-Za-z0-9._~:-]{1,129}$/),
  fc.constantFrom("", ".", "..", "a\n", "\n", "é", "__proto__", "x".repeat(128), "x".repeat(129)),
);

Deno.test("the parser treats the room in an address as the schema does", () => {
  fc.assert(
    fc.property(Id, (id) => {
      const parsed = RoomId.safeParse(id);
      const issue = parsed.error?.issues[0];
      assertEquals<unknown>(
        parseAddress({ id }),
        issue ? { issue: { message: issue.message, path: ["id"] } } : { value: { id } },
      );
    }),
    { numRuns: 5_000 },
  );
});

const Whole = fc.oneof(
  fc.nat().map(String),
  fc.constantFrom(
    ...["", "0", "-0", "-1", "007", "500", "501", " 5", "5 ", "5\n", "1e3", "0x10", "NaN", "٣", "+1", "1.0"],
    ...["9007199254740991", "9007199254740992", "9999999999999999", "10000000000000000", "0000000000000000"],
  ),
  fc.string(),
);
/** Text, or the values of a parameter that is given twice. */
const given = (text: fc.Arbitrary<string>) => fc.oneof({ weight: 9, arbitrary: text }, fc.array(text));
const Name = fc.oneof(fc.constantFrom("", "e", "NaN", "__proto__"), fc.string());
const Query = fc.record({
  after: given(Whole),
  epoch: given(Name),
  connection: given(Name),
  history: given(Whole),
  unknown: given(Name),
}, { requiredKeys: [] });

Deno.test("the parser treats the query of a join as the schema does", () => {
  let valid = 0;
  fc.assert(
    fc.property(Query, (query) => {
      const parsed = JoinQuery.safeParse(query);
      if (parsed.success) valid++;
      const issue = parsed.error?.issues[0];
      const expected: { value: output<typeof JoinQuery> } | { issue: unknown } = issue
        ? { issue: { message: issue.message, path: issue.path } }
        : { value: parsed.data ?? {} };
      assertEquals<unknown>(parseJoinQuery(query), expected);
    }),
    { numRuns: 20_000 },
  );
  assert(valid > 500, `${valid} valid`);
});
