import { assertEquals, assertStringIncludes } from "@std/assert";
import { createIssuer } from "../../packages/cli/dev/issuer.ts";
import { startFunctionProcess } from "../../tools/support/processes/function_process.ts";
import { copyFunction } from "../support/function_copy.ts";

Deno.test("middleware with a user in front of authenticate opens nothing, and the log names the cause", async () => {
  const source = `import { endpoint, upgradeWebSocket } from "@realtime-edge/server";
import { authenticate } from "../middleware/auth.ts";
import { requireClaim } from "../middleware/require_claim.ts";
export const boards = endpoint()
  .get("/", requireClaim("role", "player"), authenticate, upgradeWebSocket(() => ({})));\n`;
  await using copy = await copyFunction();
  await copy.addEndpoint({ name: "boards", code: source, line: '.route("/boards", boards)' });
  const issuer = await createIssuer();
  await using running = await startFunctionProcess({
    env: { SUPABASE_JWKS: JSON.stringify(issuer.jwks) },
    entry: copy.index,
    importMap: copy.importMap,
  });
  const headers = { authorization: `Bearer ${await issuer.token("alice")}`, upgrade: "websocket" };
  const response = await fetch(`http://127.0.0.1:${running.port}/realtime/boards`, { headers });
  assertEquals((await response.json()).code, "internal");
  assertStringIncludes(String((await running.logged("request.failed"))["error"]), "in front of authenticate");
});
