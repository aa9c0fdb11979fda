/** The codec of channels, against the serializer of the npm client. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
// deno-lint-ignore no-import-prefix -- a part of supabase-js, in the version that the function uses
import Serializer from "npm:@supabase/realtime-js@2.119.1/dist/module/lib/serializer.js";
import { decode } from "../../../packages/server/src/channels/frames/decode.ts";
import { EncodedBroadcast, textFrame } from "../../../packages/server/src/channels/frames/encode.ts";
import type { BroadcastPush } from "../../../packages/server/src/channels/frames/frame.ts";

interface ClientSerializer {
  encode(message: unknown, done: (wire: string | ArrayBuffer) => void): void;
  decode(wire: string | ArrayBuffer, done: (message: unknown) => void): void;
}

// The package's declarations are those of its CommonJS form.
const client = new (Serializer as unknown as new (metadata: string[]) => ClientSerializer)(["persist"]);
const unknownTopic = () => undefined;

/** Encodes a message as the client does. */
function encoded(message: unknown): string | ArrayBuffer {
  let wire: string | ArrayBuffer = "";
  client.encode(message, (bytes) => void (wire = bytes));
  return wire;
}

/** Decodes a message as the client does. */
function decoded(wire: string | Uint8Array): Record<string, unknown> {
  let message: Record<string, unknown> = {};
  const data = typeof wire === "string" ? wire : wire.slice().buffer;
  client.decode(data, (read) => void (message = read as Record<string, unknown>));
  return message;
}

function pushed(topic: string, event: string, payload: unknown): string | ArrayBuffer {
  const broadcast = { type: "broadcast", event, payload };
  return encoded({ join_ref: "6", ref: "7", topic, event: "broadcast", payload: broadcast });
}

function bytes(hex: string): Uint8Array {
  return Uint8Array.from(hex.replaceAll(" ", "").match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

const CURSOR = bytes(
  "03 01 01 0f 06 00 01 36 37 7265616c74696d653a726f6f6d3a31 637572736f72 7b2278223a312c2279223a327d",
);

Deno.test("the frame of a real client, byte for byte", () => {
  assertEquals(decode(CURSOR.buffer as ArrayBuffer, "2.0.0", unknownTopic), {
    kind: "broadcast",
    joinRef: "6",
    ref: "7",
    topic: "realtime:room:1",
    event: "cursor",
    data: '{"x":1,"y":2}',
    persist: false,
  });
  const out = new EncodedBroadcast({ topic: "realtime:room:1", event: "cursor", data: '{"x":1,"y":2}' });
  assertEquals(
    out.for("2.0.0"),
    bytes("04 0f 06 00 01 7265616c74696d653a726f6f6d3a31 637572736f72 7b2278223a312c2279223a327d"),
  );
});

Deno.test("text frames of both serializers", () => {
  const push = { kind: "push", joinRef: "1", ref: "2", topic: "realtime:a", event: "phx_leave", payload: {} };
  assertEquals(decode('["1","2","realtime:a","phx_leave",{},"more"]', "2.0.0", unknownTopic), push as never);
  assertEquals(
    decode(
      '{"topic":"realtime:a","event":"phx_leave","payload":null,"ref":2,"join_ref":"1"}',
      "1.0.0",
      unknownTopic,
    ),
    push as never,
  );
  const frame = { joinRef: "1", ref: null, topic: 'a"b', event: "system", payload: "{}" };
  assertEquals(textFrame(frame, "2.0.0"), '["1",null,"a\\"b","system",{}]');
  assertEquals(textFrame(frame, "1.0.0"), '{"topic":"a\\"b","event":"system","payload":{},"ref":null}');
});

Deno.test("bytes and long names: what a serializer cannot carry", () => {
  const raw = new EncodedBroadcast({ topic: "t", event: "e", data: new Uint8Array([1, 2]) });
  assertEquals(raw.for("1.0.0"), undefined);
  const long = new EncodedBroadcast({ topic: "t", event: "é".repeat(200), data: "1" }).for("2.0.0");
  assertEquals(typeof long, "string");
  assertEquals(
    new EncodedBroadcast({ topic: "é".repeat(200), event: "e", data: new Uint8Array() }).for("2.0.0"),
    undefined,
  );
});

Deno.test("persist travels in the metadata", () => {
  for (const persist of [true, { ttl: 60 }]) {
    const broadcast = { type: "broadcast", event: "e", payload: {}, persist };
    const wire = encoded({
      join_ref: "1",
      ref: "2",
      topic: "realtime:a",
      event: "broadcast",
      payload: broadcast,
    });
    assertEquals((decode(wire, "2.0.0", unknownTopic) as BroadcastPush).persist, true);
  }
});

Deno.test("a client before 2.110.4 mangles names: its channel and event are found", () => {
  // It writes one byte a character, and counts characters.
  const [topic, event] = ["realtime:größe", "übung"];
  const header = [3, 1, 1, topic.length, event.length, 0, 1];
  const text = `67${topic}${event}{"n":1}`;
  const wire = Uint8Array.from([...header, ...Array.from(text, (char) => char.charCodeAt(0))]);
  const frame = decode(wire.buffer, "2.0.0", (joinRef) => joinRef === "6" ? topic : undefined);
  assertEquals(frame, {
    kind: "broadcast",
    joinRef: "6",
    ref: "7",
    topic,
    event,
    data: '{"n":1}',
    persist: false,
  });
});

const names = fc.string({ unit: "grapheme", minLength: 1, maxLength: 30 }).filter((name) =>
  name.isWellFormed()
);
const json = fc.jsonValue({ maxDepth: 4 });

Deno.test("property: what a client sends is what is read", () => {
  fc.assert(fc.property(names, names, json, (topic, event, payload) => {
    const frame = decode(pushed(`realtime:${topic}`, event, payload), "2.0.0", unknownTopic) as BroadcastPush;
    assertEquals([frame.topic, frame.event], [`realtime:${topic}`, event]);
    assertEquals(JSON.parse(frame.data as string), JSON.parse(JSON.stringify(payload ?? {})));
  }));
  fc.assert(fc.property(fc.uint8Array(), (payload) => {
    const frame = decode(pushed("realtime:a", "e", payload.slice().buffer), "2.0.0", unknownTopic);
    assertEquals((frame as BroadcastPush).data, payload);
  }));
});

Deno.test("property: what is sent is what a client reads", () => {
  fc.assert(fc.property(names, names, json, (topic, event, payload) => {
    const meta = { id: "1" };
    const data = JSON.stringify(payload);
    const wire = new EncodedBroadcast({ topic, event, data, meta: JSON.stringify(meta) }).for("2.0.0");
    assert(wire !== undefined);
    const read = decoded(wire);
    const expected = { type: "broadcast", event, payload: JSON.parse(data), meta };
    assertEquals([read["topic"], read["event"], read["payload"]], [topic, "broadcast", expected]);
  }));
});

Deno.test("property: no bytes and no text make it throw, and a cut frame has no wrong name", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (data) => {
    decode(data.slice().buffer, "2.0.0", unknownTopic);
  }));
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), fc.constantFrom("1.0.0", "2.0.0"), (text, version) => {
      decode(text, version as "1.0.0", unknownTopic);
    }),
  );
  for (let size = 0; size < CURSOR.length; size++) {
    const frame = decode(CURSOR.slice(0, size).buffer, "2.0.0", unknownTopic);
    if (frame.kind !== "unreadable") {
      assertEquals([frame.kind, frame.topic], ["broadcast", "realtime:room:1"]);
    }
  }
});

Deno.test("deep and broken bodies cannot be read", () => {
  const body = (text: string) =>
    Uint8Array.from([3, 0, 0, 1, 1, 0, 1, 97, 98, ...new TextEncoder().encode(text)]).buffer;
  for (
    const text of ["{", "[".repeat(10_000) + "]".repeat(10_000), '{"a":'.repeat(100) + "1" + "}".repeat(100)]
  ) {
    assertEquals(decode(body(text), "2.0.0", unknownTopic).kind, "unreadable");
  }
});
