import { assertEquals, assertStringIncludes } from "@std/assert";
import { createIssuer, type Issuer } from "../../packages/cli/dev/issuer.ts";
import { readCodeBlock } from "../support/code_blocks.ts";
import { copyFunction, type FunctionCopy } from "../support/function_copy.ts";
import { startFunctionProcess } from "../../tools/support/processes/function_process.ts";
import { SocketClient } from "../../tools/support/wire/socket_client.ts";

/** Headers of a complete handshake. */
const UPGRADE = {
  upgrade: "websocket",
  connection: "Upgrade",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
};
const RECIPE = "docs/recipes/add-an-endpoint.md";
const endpoint = await readCodeBlock(RECIPE, ({ code }) => code.includes("export const boards"));
const appLine = await readCodeBlock(RECIPE, ({ code }) => code.startsWith(".route("));
const appImport = await readCodeBlock(RECIPE, ({ code }) => code.startsWith("import { boards }"));
const typedClient = await readCodeBlock(RECIPE, ({ code }) => code.includes("hc<App>"));

/** Copies the function and adds exactly the recipe's code. */
async function functionWithRecipe(): Promise<FunctionCopy> {
  const copy = await copyFunction();
  assertEquals(appImport.trim(), 'import { boards } from "./routes/boards.ts";');
  await copy.addEndpoint({ name: "boards", code: endpoint, line: appLine });
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
    headers: { authorization: `Bearer ${token}`, ...UPGRADE },
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

Deno.test("custom middleware compiles after authenticate, and not in its place", async () => {
  await using copy = await functionWithRecipe();
  const importClaim = 'import { requireClaim } from "../middleware/require_claim.ts";\n';
  const claim = '  requireClaim("role", "player"),\n';
  const after = importClaim + endpoint.replace("  authenticate,\n", `  authenticate,\n${claim}`);
  await copy.write("routes/boards.ts", after);
  assertEquals(await copy.check("app.ts"), "");
  const other = `import { createMiddleware } from "hono/factory";
const passOn = createMiddleware(async (_c, next) => await next());\n`;
  await copy.write("routes/boards.ts", other + endpoint.replace("  authenticate,\n", "  passOn,\n"));
  assertStringIncludes(await copy.check("app.ts"), "user");
});

Deno.test("a handshake is refused in the order of the protocol, wherever parameters are validated", async () => {
  const source = `import { z } from "zod";
import { endpoint, upgradeWebSocket, validate } from "@realtime-edge/server";
import { authenticate } from "../middleware/auth.ts";
const Address = z.object({ board: z.string().regex(/^[a-z]+$/) });
export const boards = endpoint()
  .get("/:board", authenticate, validate("param", Address), upgradeWebSocket(() => ({})));\n`;
  await using copy = await copyFunction();
  await copy.addEndpoint({ name: "boards", code: source, line: appLine });
  const issuer = await createIssuer();
  await using running = await startFunctionProcess({
    env: { ...environment(issuer), ALLOWED_ORIGINS: "https://good.example" },
    entry: copy.index,
    importMap: copy.importMap,
  });
  const bearer = { authorization: `Bearer ${await issuer.token("alice")}` };
  const rows: readonly [Record<string, string>, string][] = [
    [{ ...UPGRADE }, "missing_token"],
    [{ ...bearer }, "expected_websocket"],
    [{ ...bearer, ...UPGRADE, "sec-websocket-version": "8" }, "unsupported_websocket_version"],
    [{ ...bearer, ...UPGRADE, origin: "https://evil.example" }, "forbidden"],
    [{ ...bearer, ...UPGRADE }, "invalid_request"],
  ];
  for (const [headers, code] of rows) {
    const response = await fetch(`http://127.0.0.1:${running.port}/realtime/boards/Chess9`, { headers });
    assertEquals((await response.json()).code, code);
  }
});
