/** docs/migrate-from-supabase-realtime.md: both sides compile, and what comes after runs. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { readCodeBlocks } from "../support/code_blocks.ts";
import { startServer } from "../support/running_server.ts";
import { DocumentedCode } from "./documented_code.ts";

const SUPABASE = '"@supabase/supabase-js"';
const blocks = (await readCodeBlocks("docs/migrate-from-supabase-realtime.md")).map(({ code }) => code);
const before = blocks.filter((code) => code.includes(SUPABASE));
const after = blocks.filter((code) => !code.includes(SUPABASE));

/** Version of supabase-js that the function has. */
async function supabaseSpec(): Promise<string> {
  const { imports } = JSON.parse(
    await Deno.readTextFile(new URL("../../supabase/functions/realtime/deno.json", import.meta.url)),
  );
  return imports["@supabase/supabase-js"];
}

Deno.test("the code before the migration compiles with supabase-js", async () => {
  assertEquals(before.length, 2);
  await using code = await DocumentedCode.create();
  const spec = await supabaseSpec();
  const given = "declare const projectUrl: string;\ndeclare const publishableKey: string;\n";
  for (const [at, block] of before.entries()) {
    await code.write(`before_${at}.ts`, given + block.replace(SUPABASE, JSON.stringify(spec)));
    assertEquals(await code.check(`before_${at}.ts`), "");
  }
});

Deno.test("the code after the migration compiles, and runs against a server", async () => {
  assertEquals(after.length, 2);
  await using code = await DocumentedCode.create();
  for (const block of after) await code.add(block);
  assertEquals(await code.check(), "");
  await using running = await startServer();
  const output = await code.run({
    url: `${running.origin}/realtime/rooms/lobby`,
    token: await running.issuer.token("alice"),
  });
  for (const said of ["1 present", "hello"]) assertStringIncludes(output, said);
});
