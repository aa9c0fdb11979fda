/**
 * Code of docs/deploy.md, docs/testing.md and docs/edge-host.md: it compiles, and the test of an
 * endpoint passes.
 */
import { assert, assertEquals } from "@std/assert";
import { readCodeBlock } from "../support/code_blocks.ts";
import { copyFunction } from "../support/function_copy.ts";

const ROOT = new URL("../../", import.meta.url);
/** Tools use types that TypeScript 5.6, of Deno 2.1.4, does not know. */
const isOldCompiler = Deno.version.typescript.startsWith("5.6.");

/** Runs Deno; returns its output, empty on success. */
async function failureOf(args: readonly string[], cwd: URL): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd,
    env: { NO_COLOR: "1" },
  }).output();
  return success ? "" : new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

/** Type checks code that imports from tools/, with the root's import map. */
async function checkOfTool(code: string): Promise<string> {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/documented.ts`;
  try {
    await Deno.writeTextFile(file, code.replaceAll(/"\.\.?\/tools\//g, `"${ROOT.href}tools/`));
    return await failureOf(
      ["check", "--no-lock", `--config=${new URL("deno.json", ROOT).pathname}`, file],
      ROOT,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("docs/deploy.md: a larger app with the function's app in it compiles", async () => {
  const larger = await readCodeBlock("docs/deploy.md", ({ code }) => code.includes("createServer(app)"));
  const path = "../supabase/functions/realtime/app.ts";
  assert(larger.includes(path), `docs/deploy.md does not import ${path}`);
  await using copy = await copyFunction();
  await copy.write("site.ts", larger.replace(path, "./app.ts"));
  assertEquals(await copy.check("site.ts"), "");
});

Deno.test("docs/testing.md: the test of an endpoint compiles and passes", async () => {
  const test = await readCodeBlock("docs/testing.md", ({ code }) => code.includes("startTestServer"));
  const engine = "../../../packages/";
  assert(test.includes(engine), `docs/testing.md does not import from ${engine}`);
  await using copy = await copyFunction();
  await copy.write("echo_test.ts", test.replace(engine, `${ROOT.href}packages/`));
  const permissions = ["--allow-net", "--allow-env", `--import-map=${copy.importMap}`];
  const options = ["test", "--no-config", "--no-lock", ...permissions, "echo_test.ts"];
  assertEquals(await failureOf(options, new URL(".", copy.index)), "");
});

Deno.test("docs/testing.md: a soak in a test of one's own compiles", { ignore: isOldCompiler }, async () => {
  const soak = await readCodeBlock("docs/testing.md", ({ code }) => code.includes("runTurnover"));
  assertEquals(await checkOfTool(soak), "");
});

Deno.test("docs/edge-host.md: the edge host in a test compiles", { ignore: isOldCompiler }, async () => {
  const host = await readCodeBlock("docs/edge-host.md", ({ code }) => code.includes("startEdgeHost"));
  assertEquals(await checkOfTool(`declare const jwks: string;\n${host}`), "");
});
