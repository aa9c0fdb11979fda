/** examples/polls: its endpoint in a copy of the function, and the lines of its README. */
import { assertEquals } from "@std/assert";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { createIssuer } from "../../packages/cli/dev/issuer.ts";
import { packAll } from "../../tools/pack/pack_all.ts";
import { startFunctionProcess } from "../../tools/support/processes/function_process.ts";
import { REPOSITORY } from "../support/adopter/packed_cli.ts";
import { readCodeBlock } from "../support/code_blocks.ts";
import { runOrThrow } from "../support/deploy/npm_tool.ts";
import { copyFunction } from "../support/function_copy.ts";

const EXAMPLE = "examples/polls";
/** A first install downloads; npm keeps what it has. */
const COMMAND_MS = 300_000;

Deno.test("the poll's endpoint compiles, counts a vote, and refuses another choice with its reason", {
  // esbuild is a process of its own.
  sanitizeOps: false,
  sanitizeResources: false,
}, async () => {
  const sources = await Promise.all(
    ["polls.ts", "vote.js"].map((path) => Deno.readTextFile(join(REPOSITORY, EXAMPLE, path))),
  );
  assertEquals(sources.join("").split("\n").length < 60, true, "The example has 60 lines or more.");
  await using copy = await copyFunction();
  await copy.addEndpoint({ name: "polls", code: sources[0] ?? "", line: '.route("/polls", polls)' });
  assertEquals(await copy.check("routes/polls.ts"), "");
  const issuer = await createIssuer();
  await using running = await startFunctionProcess({
    env: { SUPABASE_JWKS: JSON.stringify(issuer.jwks) },
    entry: copy.index,
    importMap: copy.importMap,
  });
  const root = await Deno.realPath(await Deno.makeTempDir({ prefix: "realtime-polls-example-" }));
  const folder = join(root, EXAMPLE);
  try {
    await packAll(pathToFileURL(`${root}/dist/npm/`));
    await Deno.mkdir(folder, { recursive: true });
    for (const path of ["package.json", "vote.js"]) {
      await Deno.copyFile(join(REPOSITORY, EXAMPLE, path), join(folder, path));
    }
    const block = await readCodeBlock(`${EXAMPLE}/README.md`, ({ code }) => code.includes("npm install"));
    const [install = "", , good = "", bad = ""] = block.trim().split("\n");
    const url = `http://127.0.0.1:${running.port}/realtime/polls/lunch`;
    const run = async (line: string, user = "alice") =>
      await runOrThrow("sh", {
        args: ["-c", line],
        cwd: folder,
        env: { POLL_URL: url, TOKEN: await issuer.token(user) },
        timeoutMs: COMMAND_MS,
      });
    await run(`${install} --no-audit --no-fund --prefer-offline`);
    assertEquals(await run(good), '{"pizza":1}');
    assertEquals(await run("node vote.js soup", "bob"), '{"pizza":1,"soup":1}');
    // The last vote of a user counts.
    assertEquals(await run("node vote.js soup"), '{"soup":2}');
    assertEquals(await run(bad), "no_choice: Nobody can vote for stones.");
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
