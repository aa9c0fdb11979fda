/** Code of docs/rooms.md, added to a copy of the function: it compiles and works as documented. */
import { assert, assertEquals } from "@std/assert";
import { createIssuer } from "../../packages/cli/dev/issuer.ts";
import { readCodeBlock } from "../support/code_blocks.ts";
import { copyFunction, type FunctionCopy } from "../support/function_copy.ts";
import { startFunctionProcess } from "../../tools/support/processes/function_process.ts";
import { SocketClient } from "../../tools/support/wire/socket_client.ts";

const PAGE = "docs/rooms.md";
const tables = await readCodeBlock(PAGE, ({ code }) => code.includes("export const tables"));
const classes = await readCodeBlock(PAGE, ({ code }) => code.includes("export const classes"));
const games = await readCodeBlock(PAGE, ({ code }) => code.includes("export const games"));
const orders = await readCodeBlock(PAGE, ({ code }) => code.includes("export const orders"));
const appLine = await readCodeBlock(PAGE, ({ code }) => code.startsWith(".route("));
const types = await readCodeBlock(PAGE, ({ code }) => code.includes("RoomEvents"));

/** Copies the function and adds exactly the page's code. */
async function functionWithTables(): Promise<FunctionCopy> {
  const copy = await copyFunction();
  await copy.addEndpoint({ name: "tables", code: tables, line: appLine });
  await copy.addEndpoint({ name: "classes", code: classes, line: '.route("/classes", classes)' });
  return copy;
}

/** Waits for the next frame of a type. */
async function next(client: SocketClient, type: string): Promise<Record<string, unknown>> {
  for (;;) {
    const frame = JSON.parse(String(await client.next()));
    if (frame.type === type) return frame;
  }
}

Deno.test("the page's rooms accept their events, name the field of a wrong one, and let only teachers publish", async () => {
  await using copy = await functionWithTables();
  const issuer = await createIssuer();
  await using running = await startFunctionProcess({
    env: { SUPABASE_JWKS: JSON.stringify(issuer.jwks) },
    entry: copy.index,
    importMap: copy.importMap,
  });
  const token = await issuer.token("alice");
  const origin = `ws://127.0.0.1:${running.port}/realtime`;
  await using player = await SocketClient.open(`${origin}/tables/1?token=${token}`);
  player.send(JSON.stringify({ type: "publish", id: "1", event: "chat", data: { text: "hi", x: 1 } }));
  assertEquals((await next(player, "message"))["data"], { text: "hi" });
  player.send(JSON.stringify({ type: "publish", id: "2", event: "chat", data: { text: "" } }));
  assertEquals((await next(player, "error"))["field"], "data.text");

  await using pupil = await SocketClient.open(`${origin}/classes/1?token=${token}`);
  pupil.send(JSON.stringify({ type: "publish", id: "1", event: "chat", data: "hi" }));
  assertEquals((await next(pupil, "error"))["code"], "forbidden");
  const teacherToken = await issuer.token("bob", { claims: { app_metadata: { role: "teacher" } } });
  await using teacher = await SocketClient.open(`${origin}/classes/1?token=${teacherToken}`);
  teacher.send(JSON.stringify({ type: "publish", id: "1", event: "chat", data: "hi" }));
  assertEquals((await next(pupil, "message"))["from"], (await next(teacher, "message"))["from"]);
});

Deno.test("the page's route publishes into a room with a secret key", async () => {
  await using copy = await copyFunction();
  await copy.addEndpoint({ name: "orders", code: orders, line: '.route("/orders", orders)' });
  assertEquals(await copy.check("routes/orders.ts"), "");
  const issuer = await createIssuer();
  await using running = await startFunctionProcess({
    env: {
      SUPABASE_JWKS: JSON.stringify(issuer.jwks),
      SUPABASE_SECRET_KEYS: JSON.stringify({ default: "sb_secret_for_tests" }),
    },
    entry: copy.index,
    importMap: copy.importMap,
  });
  const order = async () => {
    const response = await fetch(`http://127.0.0.1:${running.port}/realtime/orders`, {
      method: "POST",
      headers: { apikey: "sb_secret_for_tests", "content-type": "application/json" },
      body: JSON.stringify({ id: "order-7", desk: "1" }),
    });
    return await response.json();
  };
  assertEquals([await order(), await order()], Array(2).fill({ offset: 1, present: 0 }));
});

Deno.test("the page's hooks and calls work as it says", async () => {
  await using copy = await copyFunction();
  await copy.addEndpoint({ name: "games", code: games, line: '.route("/games", games)' });
  assertEquals(await copy.check("routes/games.ts"), "");
  const issuer = await createIssuer();
  await using running = await startFunctionProcess({
    env: { SUPABASE_JWKS: JSON.stringify(issuer.jwks) },
    entry: copy.index,
    importMap: copy.importMap,
  });
  const address = async (user: string, claims = {}) =>
    `ws://127.0.0.1:${running.port}/realtime/games/1?token=${await issuer.token(user, { claims })}`;
  await using guest = await SocketClient.open(await address("eve", { is_anonymous: true }));
  assertEquals((await next(guest, "error"))["reason"], "sign_in");
  await using alice = await SocketClient.open(await address("alice"));
  await next(alice, "welcome");
  await using bob = await SocketClient.open(await address("bob"));
  await next(bob, "welcome");
  bob.send(JSON.stringify({ type: "publish", id: "1", event: "chat", data: { text: " hi " } }));
  assertEquals((await next(alice, "message"))["data"], { text: "hi" });
  bob.send(JSON.stringify({ type: "call", id: "2", method: "move", data: { from: 1, to: 1 } }));
  assertEquals((await next(bob, "error"))["reason"], "no_move");
  bob.send(JSON.stringify({ type: "call", id: "3", method: "move", data: { from: 1, to: 2 } }));
  assertEquals((await next(bob, "result"))["data"], { offset: 2 });
  const moved = await next(alice, "message");
  assertEquals([moved["event"], moved["data"], moved["from"]], ["move", { from: 1, to: 2 }, { user: "bob" }]);
  bob.close(1000);
  assertEquals((await next(alice, "message"))["data"], { player: "bob" });
});

Deno.test("the page's types follow from the schemas, and a wrong payload does not compile", async () => {
  await using copy = await functionWithTables();
  const here = types.replaceAll("../supabase/functions/realtime/", "./");
  await copy.write("types.ts", here);
  assertEquals(await copy.check("types.ts"), "");
  await copy.write("wrong.ts", here.replace('piece: "king"', 'piece: "pawn"'));
  assert((await copy.check("wrong.ts")).includes('"pawn"'));
});

Deno.test("the frames that the page tells readers to paste are accepted unchanged", async () => {
  const issuer = await createIssuer();
  await using running = await startFunctionProcess({ env: { SUPABASE_JWKS: JSON.stringify(issuer.jwks) } });
  const url = `ws://127.0.0.1:${running.port}/realtime/rooms/lobby?token=${await issuer.token("alice")}`;
  await using client = await SocketClient.open(url);
  const lines = [
    await readCodeBlock(PAGE, ({ code }) => code.includes('"id":"1"')),
    await readCodeBlock(PAGE, ({ code }) => code.includes('"id":"2"')),
  ].join("").trim().split("\n");
  assertEquals(lines.length, 4);
  for (const line of lines) {
    client.send(line);
    const { id, type } = JSON.parse(line);
    assertEquals((await next(client, type === "history" ? "history" : "ack"))["id"], id);
  }
});
