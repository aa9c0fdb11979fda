/**
 * supabase-js costs CPU at every boot that imports it: it is loaded when Auth is asked, and not
 * before.
 */
import { assertEquals } from "@std/assert";
import functionConfig from "../../supabase/functions/realtime/deno.json" with { type: "json" };
import {
  type FunctionProcess,
  startFunctionProcess,
} from "../../tools/support/processes/function_process.ts";
import { createIssuer, type Issuer } from "../../packages/cli/dev/issuer.ts";
import { absoluteImports } from "../support/function_copy.ts";
import { askableAuth, remotePolicy, unusedAddress } from "../support/project_stub.ts";
import { rawGet } from "../../tools/support/wire/raw_request.ts";

const TELL_TALE = "supabase-js was loaded";

/**
 * The function's own import map, with a module in supabase-js's place that says that it was loaded,
 * and fails.
 */
const importMap = new URL(`data:application/json,${
  encodeURIComponent(JSON.stringify({
    imports: {
      ...absoluteImports(functionConfig.imports),
      "@supabase/supabase-js":
        `data:application/javascript,console.log("${TELL_TALE}"); throw new Error("not here");`,
    },
  }))
}`);

function start(issuer: Issuer, env: Record<string, string | undefined>): Promise<FunctionProcess> {
  const given = { SUPABASE_JWKS: JSON.stringify(issuer.jwks), ...env };
  const set = Object.entries(given).flatMap(([name, value]) => value === undefined ? [] : [[name, value]]);
  return startFunctionProcess({ importMap, env: Object.fromEntries(set) });
}

/**
 * Asks who a token's user is; the request is logged last, so that what was said on the way is
 * there.
 */
async function statusAndOutput(
  process: FunctionProcess,
  issuer: Issuer,
): Promise<{ status: number; loaded: boolean }> {
  const token = await issuer.token("alice");
  const { status } = await rawGet(process.port, "/realtime/whoami", [`Authorization: Bearer ${token}`]);
  await process.logged("request");
  return { status, loaded: process.stdout.some((line) => line.includes(TELL_TALE)) };
}

Deno.test("supabase-js is not loaded where a local key verifies the token", async () => {
  const issuer = await createIssuer();
  await using process = await start(issuer, askableAuth(unusedAddress()));
  assertEquals(await statusAndOutput(process, issuer), { status: 200, loaded: false });
});

Deno.test("supabase-js is loaded where Auth is asked", async () => {
  const issuer = await createIssuer();
  await using process = await start(issuer, remotePolicy(unusedAddress()));
  assertEquals(await statusAndOutput(process, issuer), { status: 503, loaded: true });
});
