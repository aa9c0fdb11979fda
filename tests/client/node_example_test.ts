/** examples/node-client: the lines of its README, in order, with the packed tarball. */
import { assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { connect } from "../../packages/client/mod.ts";
import { packAll } from "../../tools/pack/pack_all.ts";
import { REPOSITORY } from "../support/adopter/packed_cli.ts";
import { readCodeBlock } from "../support/code_blocks.ts";
import { runOrThrow } from "../support/deploy/npm_tool.ts";
import { startServer } from "../support/running_server.ts";

const EXAMPLE = "examples/node-client";
/** A first install downloads; npm keeps what it has. */
const COMMAND_MS = 300_000;

Deno.test("the Node example joins, publishes and reads; its next run resumes", {
  // esbuild is a process of its own.
  sanitizeOps: false,
  sanitizeResources: false,
}, async () => {
  const root = await Deno.realPath(await Deno.makeTempDir({ prefix: "realtime-node-example-" }));
  const folder = join(root, EXAMPLE);
  try {
    await packAll(pathToFileURL(`${root}/dist/npm/`));
    await Deno.mkdir(folder, { recursive: true });
    for (const path of ["package.json", "chat.js"]) {
      await Deno.copyFile(join(REPOSITORY, EXAMPLE, path), join(folder, path));
    }
    const block = await readCodeBlock(`${EXAMPLE}/README.md`, ({ code }) => code.includes("npm install"));
    const [install = "", , first = "", second = ""] = block.trim().split("\n");
    await using server = await startServer();
    const room = `${server.origin}/realtime/rooms/lobby`;
    const env = { ROOM_URL: room, TOKEN: await server.issuer.token("alice") };
    const shell = (line: string) =>
      runOrThrow("sh", { args: ["-c", line], cwd: folder, env, timeoutMs: COMMAND_MS });

    await shell(`${install} --no-audit --no-fund --prefer-offline`);
    const before = await shell(first);
    assertMatch(before, /^live as alice$/m);
    assertMatch(before, /^present: alice$/m);
    assertMatch(before, /^1 alice: hello$/m);
    assertMatch(before, /^stored as 1$/m);
    assertMatch(before, /^last in history: hello$/m);

    await using bob = connect(room, { token: () => server.issuer.token("bob") });
    await bob.publish("chat", { text: "are you there?" });

    const after = await shell(second);
    assertMatch(after, /^live as alice, nothing missed$/m);
    assertMatch(after, /^2 bob: are you there\?$/m);
    assertStringIncludes(after, "last in history: hello, are you there?, hello again");
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
