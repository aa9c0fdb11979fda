/** A fresh Vite project with React: the page's types compile there, and the tarball builds. */
import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { stopBundling, writeClientPackage } from "../../tools/pack/client_package.ts";
import { readCodeBlock } from "../support/code_blocks.ts";
import { run, runOrThrow } from "../support/deploy/npm_tool.ts";
import { importedVersion } from "./npm_project.ts";

const CREATE_VITE = "create-vite@9.3.0";
/** A first install downloads; npm keeps what it has. */
const NPM_MS = 300_000;

const EVENTS = "supabase/functions/realtime/routes/table_events.ts";
const APP = `import { useMessages, useRoom } from "@realtime-edge/client/react";
import type { InputOf, OutputOf } from "@realtime-edge/client";
import type { tableEvents } from "../${EVENTS}";
import { joinTable } from "./table.ts";

type Input = InputOf<typeof tableEvents>;
type Output = OutputOf<typeof tableEvents>;

export default function App() {
  const room = useRoom<Input, Output>("https://example.com/realtime/tables/1", { token: () => null });
  const { messages } = useMessages(room, { event: "chat" });
  const moveKing = () => joinTable("https://example.com/realtime/tables/1", () => null)
    .publish("move", { piece: "king", to: [4, 1] });
  return (
    <button onClick={moveKing}>{messages.map(({ data }) => data.text.toUpperCase()).join()}</button>
  );
}
`;

Deno.test("a fresh Vite project with React", {
  // esbuild is a process of its own.
  sanitizeOps: false,
  sanitizeResources: false,
}, async (t) => {
  const workplace = new URL(`file://${await Deno.makeTempDir({ prefix: "realtime-vite-" })}/`);
  const app = new URL("app/", workplace);
  const npm = (...args: string[]) => runOrThrow("npm", { args, cwd: fileURLToPath(app), timeoutMs: NPM_MS });
  const build = () => run("npm", { args: ["run", "build"], cwd: fileURLToPath(app), timeoutMs: NPM_MS });
  const write = (path: string, text: string) => Deno.writeTextFile(new URL(path, app), text);
  try {
    await writeClientPackage(new URL("client/", workplace));
    await stopBundling();
    await runOrThrow("npm", {
      args: ["pack", "--pack-destination", fileURLToPath(workplace)],
      cwd: fileURLToPath(new URL("client/", workplace)),
      timeoutMs: NPM_MS,
    });
    const tarball = await findTarball(workplace);
    await runOrThrow("npx", {
      args: ["-y", CREATE_VITE, "app", "--template", "react-ts", "--no-interactive"],
      cwd: fileURLToPath(workplace),
      timeoutMs: NPM_MS,
    });
    const flags = ["--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"];
    await npm("install", ...flags, tarball);
    await npm("install", ...flags, "--save-dev", `zod@${await importedVersion("zod")}`);
    await Deno.mkdir(new URL(EVENTS.replace(/[^/]*$/, ""), app), { recursive: true });
    await write(
      EVENTS,
      await readCodeBlock("docs/client.md", ({ code }) => code.includes("export const tableEvents")),
    );
    await write(
      "src/table.ts",
      await readCodeBlock("docs/client.md", ({ code }) => code.includes("joinTable")),
    );
    await write("src/App.tsx", APP);

    await t.step("compiles with the page's types and nothing but zod, and builds", async () => {
      const { code, stdout, stderr } = await build();
      assertEquals(code, 0, stdout + stderr);
    });

    await t.step("has the client in its build, and nothing of zod", async () => {
      const assets = new URL("dist/assets/", app);
      let text = "";
      for await (const { name } of Deno.readDir(assets)) {
        if (name.endsWith(".js")) text += await Deno.readTextFile(new URL(name, assets));
      }
      assertMatch(text, /realtime\.v1/);
      assert(!/ZodObject|~standard|invalid_type/.test(text), "zod is in the build");
    });

    await t.step("refuses data that does not fit, with the server's schema as the reason", async () => {
      await write("src/App.tsx", APP.replace('"king"', '"pawn"').replace("data.text", "data.body"));
      const { code, stdout } = await build();
      assertEquals(code === 0, false);
      assertMatch(
        stdout,
        /App\.tsx\(\d+,\d+\): error TS2322: Type '"pawn"' is not assignable to type '"king" \| "queen"'/,
      );
      assertMatch(stdout, /App\.tsx\(\d+,\d+\): error TS2339: Property 'body' does not exist/);
    });
  } finally {
    await stopBundling();
    await Deno.remove(workplace, { recursive: true });
  }
});

async function findTarball(folder: URL): Promise<string> {
  for await (const { name } of Deno.readDir(folder)) {
    if (name.endsWith(".tgz")) return fileURLToPath(new URL(name, folder));
  }
  throw new Error("npm pack wrote no tarball.");
}
