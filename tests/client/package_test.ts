/** The npm package in a fresh project: compiled strictly, run on Node against a real server. */
import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertMatch, assertObjectMatch } from "@std/assert";
import { stopBundling, writeClientPackage } from "../../tools/pack/client_package.ts";
import { listFiles } from "../../tools/support/list_files.ts";
import { locateNpmCommand, runOrThrow } from "../support/deploy/npm_tool.ts";
import { startServer } from "../support/running_server.ts";
import { findAnyTypes } from "./any_types.ts";
import {
  PROGRAM,
  PROGRAM_WITH_WS,
  REACT_COMPONENT,
  readmePrograms,
  TSCONFIGS,
  WRONG_PROGRAM,
} from "./consumer_sources.ts";
import { compileProject, importedVersion, installPackages } from "./npm_project.ts";

const SOURCES = new URL("../../packages/client/", import.meta.url);
const PROTOCOL = new URL("../../packages/protocol/", import.meta.url);
const PACK_MS = 60_000;
const RUN_MS = 20_000;

/** Output of `npm pack --json` about a tarball. */
interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

Deno.test("the npm package", {
  // esbuild is a process of its own.
  sanitizeOps: false,
  sanitizeResources: false,
}, async (t) => {
  const workplace = new URL(`file://${await Deno.makeTempDir({ prefix: "realtime-client-" })}/`);
  const built = new URL("built/", workplace);
  const consumer = new URL("consumer/", workplace);
  const path = (name: string) => fileURLToPath(new URL(name, consumer));
  try {
    await writeClientPackage(built);
    await stopBundling();
    await Deno.mkdir(consumer);
    const packing = await runOrThrow("npm", {
      args: ["pack", "--json", "--pack-destination", fileURLToPath(workplace)],
      cwd: fileURLToPath(built),
      timeoutMs: PACK_MS,
    });
    const [packed]: readonly Packed[] = JSON.parse(packing);
    assert(packed, packing);
    const paths = packed.files.map((file) => file.path);

    await t.step(
      "holds the four entries, what they share, their types, README, licence and changelog; nothing else",
      async () => {
        const protocol = (await listFiles(PROTOCOL, ".ts")).map((file) => `protocol/${file}`);
        const declared = [...await listFiles(SOURCES, ".ts"), ...protocol]
          .map((file) => file.replace(/\.ts$/, ".d.ts"));
        const scripts = paths.filter((file) => file.endsWith(".js")).map((file) =>
          file.replace(/-\w+\.js/, ".js")
        );
        const types = paths.filter((file) => file.endsWith(".d.ts"));
        const names = [...new Set(scripts)].sort();
        assertEquals(names, ["chunk.js", "cursors.js", "indexed_db.js", "mod.js", "react.js"]);
        assertEquals(types.filter((file) => !declared.includes(file)), []);
        for (const entry of ["mod", "react", "indexed_db", "cursors"]) {
          assert(types.includes(`${entry}.d.ts`), entry);
        }
        const others = paths.filter((file) => !/\.(js|d\.ts)$/.test(file));
        assertEquals(others.sort(), ["CHANGELOG.md", "LICENSE", "README.md", "package.json"]);
      },
    );

    await t.step("holds the core once, whatever of it is imported", async () => {
      const scripts = paths.filter((file) => file.endsWith(".js"));
      const texts = await Promise.all(scripts.map((file) => Deno.readTextFile(new URL(file, built))));
      assertEquals(texts.filter((text) => /RoomError = class|class RoomError/.test(text)).length, 1);
    });

    await t.step("imports nothing but React, and that only in its own entry", async () => {
      const scripts = paths.filter((file) => file.endsWith(".js"));
      for (const file of scripts) {
        const text = await Deno.readTextFile(new URL(file, built));
        const imports = [...text.matchAll(/from "([^".][^"]*)"/g)].map(([, name]) => name);
        assertEquals(imports.filter((name) => file !== "react.js" || name !== "react"), [], file);
      }
    });

    await t.step("marks the React entry, and no other, as a client module of React", async () => {
      const scripts = paths.filter((file) => file.endsWith(".js"));
      const marked: string[] = [];
      for (const file of scripts) {
        if ((await Deno.readTextFile(new URL(file, built))).startsWith('"use client";')) marked.push(file);
      }
      assertEquals(marked, ["react.js"]);
    });

    await t.step("its manifest names licence, author, keywords, engines and no side effects", async () => {
      const manifest = JSON.parse(await Deno.readTextFile(new URL("package.json", built)));
      assertObjectMatch(manifest, {
        name: "@realtime-edge/client",
        license: "MIT",
        author: "the Realtime Edge authors",
        engines: { node: ">=20" },
        sideEffects: false,
      });
      assert(manifest.keywords.includes("websocket"));
    });

    await t.step("its README links to nothing that does not come with it", async () => {
      const readme = await Deno.readTextFile(new URL("README.md", built));
      assertEquals([...readme.matchAll(/\]\((?!https:)[^)]*\)/g)].map(([link]) => link), []);
    });

    await t.step("installs into a fresh project", async () => {
      const [typescript, ws, react, reactTypes] = await Promise.all(
        ["typescript", "ws", "react", "@types/react"].map(async (name) =>
          `${name}@${await importedVersion(name)}`
        ),
      );
      await installPackages(consumer, [
        fileURLToPath(new URL(packed.filename, workplace)),
        ...[typescript, ws, react, reactTypes].filter((spec) => spec !== undefined),
        "@types/node@22.20.5",
        "@types/ws@8.18.2",
      ]);
      await Promise.all(
        Object.entries({
          ...TSCONFIGS,
          ...PROGRAM,
          ...PROGRAM_WITH_WS,
          ...REACT_COMPONENT,
          ...WRONG_PROGRAM,
          ...await readmePrograms(),
        })
          .map(([name, text]) => Deno.writeTextFile(path(name), text)),
      );
    });

    await t.step("its types hold in Node, strictly, libraries checked (nodenext, no DOM)", async () => {
      assertEquals(await compileProject(consumer, "tsconfig.nodenext.json"), []);
    });

    await t.step(
      "its types hold in a page with React, strictly, libraries checked (bundler, no Node)",
      async () => {
        assertEquals(await compileProject(consumer, "tsconfig.bundler.json"), []);
      },
    );

    await t.step("the README's code compiles", async () => {
      assertEquals(await compileProject(consumer, "tsconfig.readme.json"), []);
    });

    await t.step("what does not fit the room's events does not compile", async () => {
      const errors = await compileProject(consumer, "tsconfig.wrong.json");
      const expected = [
        /^wrong\.ts\(6,.*TS2353.*'body'/,
        /^wrong\.ts\(7,.*TS2345.*'"shout"'/,
        /^wrong\.ts\(8,.*TS2339.*'body'/,
      ];
      const firsts = errors.filter((line) => !line.startsWith(" "));
      assertEquals(firsts.length, expected.length, errors.join("\n"));
      expected.forEach((pattern, at) => assertMatch(firsts[at] ?? "", pattern));
    });

    await t.step("no type in it is `any`", () => {
      const installed = new URL("node_modules/@realtime-edge/client/", consumer);
      const files = paths.filter((file) => file.endsWith(".d.ts")).map((file) => new URL(file, installed));
      assertEquals(findAnyTypes(files), []);
    });

    await using service = await startServer();
    const env = {
      ROOM: `${service.origin}/realtime/rooms/lobby`,
      TOKEN: await service.issuer.token("alice"),
    };

    await t.step("runs on Node 20 with the package ws, and ends", async () => {
      await runOn("node@20", { program: "program_with_ws.js", cwd: consumer, env });
    });

    await t.step("runs on Node 22 with its own WebSocket, and ends", async () => {
      await runOn("node@22", { program: "program.js", cwd: consumer, env });
    });
  } finally {
    await stopBundling();
    await Deno.remove(workplace, { recursive: true });
  }
});

/** A compiled program in a project's `out`. */
interface Program {
  readonly program: string;
  readonly cwd: URL;
  readonly env: Readonly<Record<string, string>>;
}

/** Runs a program that has to end by itself, on a Node from npm. */
async function runOn(spec: string, { program, cwd, env }: Program): Promise<void> {
  const node = await locateNpmCommand(spec, "node");
  console.log(`Node ${await runOrThrow(node, { args: ["--version"], timeoutMs: RUN_MS })}`);
  const output = await runOrThrow(node, {
    args: [`out/${program}`],
    cwd: fileURLToPath(cwd),
    env,
    timeoutMs: RUN_MS,
  });
  assertMatch(output, /^alice says hello at (\d+), which is stored at \1$/);
}
