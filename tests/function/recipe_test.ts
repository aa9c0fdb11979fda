import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createIssuer, type Issuer } from "../../packages/cli/dev/issuer.ts";
import { readCodeBlock } from "../support/code_blocks.ts";
import { copyFunction, type FunctionCopy } from "../support/function_copy.ts";
import { startFunctionProcess } from "../../tools/support/processes/function_process.ts";
import { SocketClient } from "../../tools/support/wire/socket_client.ts";

const RECIPE = "docs/recipes/add-an-endpoint.md";
const endpoint = await readCodeBlock(RECIPE, ({ code }) => code.includes("export const boards"));
const appLine = await readCodeBlock(RECIPE, ({ code }) => code.startsWith(".route("));
const appImport = await readCodeBlock(RECIPE, ({ code }) => code.startsWith("import { boards }"));
const typedClient = await readCodeBlock(RECIPE, ({ code }) => code.includes("hc<App>"));

/** The function with exactly the recipe's code in it. */
async function functionWithRecipe(): Promise<FunctionCopy> {
  const copy = await copyFunction();
  await copy.write("routes/boards.ts", endpoint);
  const app = await copy.read("app.ts");
  const lastRoute = /( *\.route\([^\n]*\));\n/;
  assert(lastRoute.test(app), "app.ts has no last route");
  await copy.write("app.ts", appImport + app.replace(lastRoute, `$1\n${appLine.trim()};\n`));
  return copy;
}

function connect(port: number, path: string, token: string): Promise<SocketClient> {
  return SocketClient.open(`ws://127.0.0.1:${port}/realtime${path}?token=${token}`);
}

function environment(issuer: Issuer): Record<string, string> {
  return { SUPABASE_JWKS: JSON.stringify(issuer.jwks) };
}

Deno.test("the recipe's endpoint answers a move with the verified user, and a bad one with the field", async () => {
  await using copy = await functionWithRecipe();
  const issuer = await createIssuer();
  await using running = await startFunctionProcess({
    env: environment(issuer),
    entry: copy.index,
    importMap: copy.importMap,
  });
  const token = await issuer.token("alice");

  await using client = await connect(running.port, "/boards/chess", token);
  assertEquals(JSON.parse(String(await client.next())), { board: "chess", player: "alice" });
  client.send(JSON.stringify({ piece: "queen", x: 3, y: 4 }));
  assertEquals(JSON.parse(String(await client.next())), { moved: "queen", to: [3, 4], by: "alice" });
  client.send(JSON.stringify({ piece: "queen", x: 8, y: 4 }));
  const refusal = JSON.parse(String(await client.next()));
  assertEquals([refusal.type, refusal.code, refusal.field], ["error", "invalid_frame", "x"]);

  const badBoard = await fetch(`http://127.0.0.1:${running.port}/realtime/boards/Chess9`, {
    headers: { authorization: `Bearer ${token}`, upgrade: "websocket" },
  });
  const problem = await badBoard.json();
  assertEquals([badBoard.status, problem.code, problem.field], [400, "invalid_request", "param.board"]);

  const info = await fetch(`http://127.0.0.1:${running.port}/realtime`).then((response) => response.json());
  assertStringIncludes(JSON.stringify(info.routes), "/realtime/boards/:board");
});

Deno.test("the recipe's code compiles, its typed client and $ws included", async () => {
  await using copy = await functionWithRecipe();
  await copy.write(
    "typed_client.ts",
    typedClient.replace("../supabase/functions/realtime/app.ts", "./app.ts"),
  );
  assertEquals(await copy.check("typed_client.ts"), "");
});

Deno.test("an endpoint that forgets authenticate does not compile", async () => {
  await using copy = await functionWithRecipe();
  await copy.write("routes/boards.ts", endpoint.replace("  authenticate,\n", ""));
  assertStringIncludes(await copy.check("app.ts"), "user");
});
