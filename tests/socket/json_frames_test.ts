import { assertEquals, assertObjectMatch } from "@std/assert";
// The root import map has no zod; this is the function's version.
// deno-lint-ignore no-import-prefix
import { z } from "npm:zod@4.6.7";
import { receiveJson } from "../../packages/server/src/socket/receive_json.ts";
import { SocketClient } from "../../tools/support/wire/socket_client.ts";
import { startSocketEndpoint } from "../support/socket_endpoint.ts";

const Move = z.object({
  type: z.literal("move"),
  at: z.object({ x: z.number(), y: z.number().default(0) }),
  path: z.array(z.object({ name: z.string().min(1) })).optional(),
  meta: z.record(z.string(), z.unknown()).optional(),
});
type Move = z.output<typeof Move>;

/** Starts an endpoint that returns each message its handler receives. */
const startMoves = () =>
  startSocketEndpoint({
    onMessage: receiveJson(Move, (socket, message: Move) => void socket.sendJson({ got: message })),
  });

async function answerTo(client: SocketClient, message: string): Promise<Record<string, unknown>> {
  client.send(message);
  return JSON.parse(String(await client.next()));
}

Deno.test("a message that matches the schema reaches the handler as the schema transforms it", async () => {
  await using running = await startMoves();
  await using client = await SocketClient.open(await running.socketUrl("/x"));
  const answer = await answerTo(client, '{"type":"move","at":{"x":1,"z":9},"unknown":true}');
  assertEquals(answer, { got: { type: "move", at: { x: 1, y: 0 } } });
});

for (const text of ["", "{", "undefined", "{'type':'move'}", '{"type":"move"}}', "NaN", "\u0000"]) {
  Deno.test(`${JSON.stringify(text)} is answered with invalid_frame: it is not JSON`, async () => {
    await using running = await startMoves();
    await using client = await SocketClient.open(await running.socketUrl("/x"));
    assertEquals(await answerTo(client, text), {
      type: "error",
      code: "invalid_frame",
      message: "The message is not JSON.",
    });
    assertObjectMatch(await answerTo(client, '{"type":"move","at":{"x":1}}'), { got: { at: { x: 1 } } });
  });
}

/** Invalid messages, and the field that the answer names. */
const WRONG: readonly (readonly [message: string, field: string | undefined])[] = [
  ["1", undefined],
  ["null", undefined],
  ["[]", undefined],
  ["{}", "type"],
  ['{"type":"fly","at":{"x":1}}', "type"],
  ['{"type":"move"}', "at"],
  ['{"type":"move","at":{"x":"1"}}', "at.x"],
  ['{"type":"move","at":{"x":1,"y":null}}', "at.y"],
  ['{"type":"move","at":{"x":1},"path":[{"name":"a"},{"name":""}]}', "path.1.name"],
  ['{"type":"move","at":{"x":1},"meta":3}', "meta"],
];

for (const [message, field] of WRONG) {
  Deno.test(`${message} is answered with invalid_frame that names ${field ?? "no field"}`, async () => {
    await using running = await startMoves();
    await using client = await SocketClient.open(await running.socketUrl("/x"));
    const { message: text, ...rest } = await answerTo(client, message);
    assertEquals(rest, { type: "error", code: "invalid_frame", ...(field === undefined ? {} : { field }) });
    assertEquals(typeof text, "string");
    assertObjectMatch(await answerTo(client, '{"type":"move","at":{"x":2}}'), { got: { at: { x: 2 } } });
  });
}

Deno.test("a binary message closes with 1003 and does not reach the handler", async () => {
  await using running = await startMoves();
  await using client = await SocketClient.open(await running.socketUrl("/x"));
  client.send(new TextEncoder().encode('{"type":"move","at":{"x":1}}').buffer);
  assertEquals(await client.closed(), { code: 1003, reason: "this endpoint speaks JSON text" });
});

Deno.test("a JSON handler that rejects is handled like any other failure", async () => {
  await using running = await startSocketEndpoint({
    onMessage: receiveJson(Move, () => Promise.reject(new Error("broke"))),
  });
  await using client = await SocketClient.open(await running.socketUrl("/x"));
  assertObjectMatch(await answerTo(client, '{"type":"move","at":{"x":1}}'), { code: "internal" });
});

for (
  const message of [
    '{"type":"move","at":{"x":1},"__proto__":{"polluted":true}}',
    '{"type":"move","at":{"x":1,"__proto__":{"polluted":true,"y":7}}}',
    '{"type":"move","at":{"x":1},"meta":{"__proto__":{"polluted":true}}}',
    '{"type":"move","at":{"x":1},"meta":{"constructor":{"prototype":{"polluted":true}}}}',
  ]
) {
  Deno.test(`${message} pollutes nothing`, async () => {
    const got = Promise.withResolvers<Move>();
    await using running = await startSocketEndpoint({
      onMessage: receiveJson(Move, (socket, move) => {
        got.resolve(move);
        socket.sendJson({ got: move });
      }),
    });
    await using client = await SocketClient.open(await running.socketUrl("/x"));
    await answerTo(client, message);
    const move = await got.promise;
    assertEquals(move.at, { x: 1, y: 0 });
    for (const made of [move, move.at, move.meta ?? {}, {}]) {
      assertEquals(Object.getPrototypeOf(made), Object.prototype);
      assertEquals("polluted" in made, false);
    }
  });
}

Deno.test("a message nested as deep as a frame allows is answered, and no connection closes", async () => {
  await using running = await startMoves();
  await using bystander = await SocketClient.open(await running.socketUrl("/x", "bystander"));
  await using client = await SocketClient.open(await running.socketUrl("/x"));
  const depth = 30_000;
  const deep = `{"type":"move","at":{"x":1},"meta":{"deep":${"[".repeat(depth)}${"]".repeat(depth)}}}`;
  client.send(deep);
  await client.next();
  assertObjectMatch(await answerTo(client, '{"type":"move","at":{"x":3}}'), { got: { at: { x: 3 } } });
  assertObjectMatch(await answerTo(bystander, '{"type":"move","at":{"x":4}}'), { got: { at: { x: 4 } } });
});
