/** examples/existing-project: the lines of its README, in order, on a copy. */
import { join } from "node:path";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { SocketClient } from "../../../tools/support/wire/socket_client.ts";
import { readFolder } from "../../../packages/cli/src/project/package_assets.ts";
import { startPackedDev } from "../../support/adopter/adopted_project.ts";
import { installPackedCli, REPOSITORY } from "../../support/adopter/packed_cli.ts";
import { readCodeBlock } from "../../support/code_blocks.ts";

const EXAMPLE = "examples/existing-project";

Deno.test("the example's README works line by line, on Node and npm alone", {
  sanitizeOps: false,
  sanitizeResources: false,
}, async () => {
  await using cli = await installPackedCli();
  const root = await Deno.realPath(await Deno.makeTempDir({ prefix: "realtime-example-" }));
  try {
    for (const [path, text] of await readFolder(join(REPOSITORY, EXAMPLE))) {
      await Deno.mkdir(join(root, path, ".."), { recursive: true });
      await Deno.writeTextFile(join(root, path), text);
    }
    const block = await readCodeBlock(`${EXAMPLE}/README.md`, ({ language }) => language === "sh");
    const commands = [...block.matchAll(/^npx -y \S+realtime-edge-\S+\.tgz (.*)$/gm)].map(([, args = ""]) =>
      args.split(" ")
    );
    assertEquals(commands.map(([command]) => command), ["init", "add", "doctor", "dev"]);
    for (const args of commands.slice(0, 3)) {
      const { code, stdout, stderr } = await cli.run(root, args);
      assertEquals(code, 0, `${args.join(" ")}: ${stdout}${stderr}`);
    }
    const token = (await cli.run(root, ["token", "--user", "alice"])).stdout.trim();
    await using dev = startPackedDev(cli, root, []);
    const base = await dev.base;
    await using room = await SocketClient.open(`${base.replace("http", "ws")}/desks/1?token=${token}`);
    room.send(JSON.stringify({ type: "publish", id: "1", event: "chat", data: { text: 5 } }));
    const frames: string[] = [];
    while (!frames.at(-1)?.includes('"error"')) frames.push(String(await room.next()));
    assertStringIncludes(frames.at(-1) ?? "", "data.text");
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
