/** examples/react-chat: built from the tarball with Vite's default tsconfig, and used in a browser. */
import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { chatEvents } from "../../examples/react-chat/supabase/functions/realtime/routes/chat_events.ts";
import { createIssuer } from "../../packages/cli/dev/issuer.ts";
import { authenticate } from "../../packages/server/src/http/middleware/authenticate.ts";
import { realtime } from "../../packages/server/src/http/realtime.ts";
import { roomEndpoint } from "../../packages/server/src/http/rooms/room_endpoint.ts";
import { packAll } from "../../tools/pack/pack_all.ts";
import { listFiles } from "../../tools/support/list_files.ts";
import { isWithoutChromium, launchChromium } from "../support/chromium.ts";
import { readCodeBlock } from "../support/code_blocks.ts";
import { run, runOrThrow } from "../support/deploy/npm_tool.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";

const CREATE_VITE = "create-vite@9.3.0";
/** A first install downloads; npm keeps what it has. */
const NPM_MS = 300_000;
const EXAMPLE = new URL("../../examples/react-chat/", import.meta.url);
const TABLE_EVENTS = "supabase/functions/realtime/routes/table_events.ts";

/** A use of docs/client.md's table with a piece that its schema does not have. */
const WRONG_MOVE = `import { joinTable } from "./table.ts";
await joinTable("https://example.com", () => null).publish("move", { piece: "pawn", to: [4, 1] });
`;

Deno.test("the React example", {
  // esbuild is a process of its own.
  sanitizeOps: false,
  sanitizeResources: false,
}, async (t) => {
  const workplace = new URL(
    `file://${await Deno.makeTempDir({ prefix: "realtime-vite-" })}/`,
  );
  const app = new URL("examples/react-chat/", workplace);
  const npm = (...args: string[]) => run("npm", { args, cwd: fileURLToPath(app), timeoutMs: NPM_MS });
  const build = () => npm("run", "build");
  const read = (path: string) => Deno.readTextFile(new URL(path, app));
  const write = (path: string, text: string) => Deno.writeTextFile(new URL(path, app), text);
  try {
    await packAll(new URL("dist/npm/", workplace));
    for (const path of await exampleFiles()) {
      await Deno.mkdir(new URL(".", new URL(path, app)), { recursive: true });
      await write(path, await Deno.readTextFile(new URL(path, EXAMPLE)));
    }

    await t.step("has the tsconfig of a fresh Vite project", async () => {
      await runOrThrow("npx", {
        args: [
          "-y",
          CREATE_VITE,
          "fresh",
          "--template",
          "react-ts",
          "--no-interactive",
        ],
        cwd: fileURLToPath(workplace),
        timeoutMs: NPM_MS,
      });
      for (
        const name of [
          "tsconfig.json",
          "tsconfig.app.json",
          "tsconfig.node.json",
        ]
      ) {
        assertEquals(
          await read(name),
          await Deno.readTextFile(new URL(`fresh/${name}`, workplace)),
          name,
        );
      }
    });

    await t.step(
      "installs the tarball, compiles with the schemas and nothing but zod, and builds",
      async () => {
        const flags = [
          "--no-audit",
          "--no-fund",
          "--ignore-scripts",
          "--prefer-offline",
        ];
        for (
          const { code, stdout, stderr } of [
            await npm("install", ...flags),
            await build(),
          ]
        ) {
          assertEquals(code, 0, stdout + stderr);
        }
      },
    );

    await t.step(
      "has the client in its build, and nothing of zod",
      async () => {
        const assets = await listFiles(new URL("dist/assets/", app), ".js");
        const text = (await Promise.all(assets.map((name) => read(`dist/assets/${name}`)))).join();
        assertMatch(text, /realtime\.v1/);
        assert(
          !/ZodObject|~standard|invalid_type/.test(text),
          "zod is in the build",
        );
      },
    );

    await t.step({
      name: "in a browser, two users see each other and what they write",
      ignore: isWithoutChromium,
      fn: async () => {
        await using server = await serveBuild(new URL("dist/", app));
        await using browser = await launchChromium();
        const [alice, bob] = [await browser.newPage(), await browser.newPage()];
        await alice.goto(`${server.origin}/?user=alice`);
        await bob.goto(`${server.origin}/?user=bob`);
        await alice.getByText(/^live\. Here: (alice, bob|bob, alice)$/)
          .waitFor();
        await alice.getByLabel("Message").fill("hello bob");
        await alice.getByRole("button", { name: "Send" }).click();
        await bob.getByText("alice: hello bob").waitFor();
        await bob.reload();
        await bob.getByText("alice: hello bob").waitFor();
      },
    });

    await t.step("the files of docs/client.md compile in it", async () => {
      const holds = (part: string) => ({ code }: { code: string }) => code.includes(part);
      await write(
        TABLE_EVENTS,
        await readCodeBlock(
          "docs/client.md",
          holds("export const tableEvents"),
        ),
      );
      await write(
        "src/table.ts",
        await readCodeBlock("docs/client.md", holds("joinTable")),
      );
      const { code, stdout, stderr } = await build();
      assertEquals(code, 0, stdout + stderr);
    });

    await t.step(
      "refuses data that does not fit, with the server's schema as the reason",
      async () => {
        await write("src/wrong.ts", WRONG_MOVE);
        await write(
          "src/App.tsx",
          (await read("src/App.tsx")).replace("data.text", "data.body"),
        );
        const { code, stdout } = await build();
        assertEquals(code === 0, false);
        assertMatch(
          stdout,
          /wrong\.ts\(\d+,\d+\): error TS2322: Type '"pawn"' is not assignable to type '"king" \| "queen"'/,
        );
        assertMatch(
          stdout,
          /App\.tsx\(\d+,\d+\): error TS2339: Property 'body' does not exist/,
        );
      },
    );
  } finally {
    await Deno.remove(workplace, { recursive: true });
  }
});

/** Paths of the example's own files, without those of a build in it. */
async function exampleFiles(): Promise<string[]> {
  const files = await listFiles(EXAMPLE, "");
  return files.filter((path) => !/^(node_modules|dist)\/|^package-lock\.json$/.test(path));
}

/** Serves a build, its tokens and rooms that check the example's events, all on one origin. */
async function serveBuild(folder: URL): Promise<RunningServer> {
  const issuer = await createIssuer();
  const rooms = realtime({ authenticate }).route(
    "/rooms",
    roomEndpoint({ authenticate, events: chatEvents }),
  );
  const types: Readonly<Record<string, string>> = {
    html: "text/html",
    js: "text/javascript",
  };
  return await startServer({
    issuer,
    app: () => ({
      async fetch(request, bindings) {
        const { pathname, searchParams } = new URL(request.url);
        if (pathname.startsWith("/realtime/")) {
          return await rooms.fetch(request, bindings);
        }
        if (pathname === "/dev/token") {
          return new Response(
            await issuer.token(searchParams.get("user") ?? ""),
          );
        }
        const path = pathname === "/" ? "index.html" : pathname.slice(1);
        const type = types[path.split(".").at(-1) ?? ""];
        if (type === undefined) return new Response(null, { status: 404 });
        return new Response(await Deno.readFile(new URL(path, folder)), {
          headers: { "content-type": type },
        });
      },
    }),
  });
}
