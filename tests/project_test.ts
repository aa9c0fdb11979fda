/**
 * The pages and manifests that a public project has: their code compiles, and they agree with each
 * other.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { VERSION } from "../packages/server/src/version.ts";
import { listFiles } from "../tools/support/list_files.ts";
import { readCodeBlocks } from "./support/code_blocks.ts";
import { copyFunction, type FunctionCopy } from "./support/function_copy.ts";

const ROOT = new URL("../", import.meta.url);
const FUNCTION = "supabase/functions/realtime/";

/** Address of a package that npm does not know yet; a tarball's path does not match. */
const PACKAGE_NAME = /(?<![\w./-])(@realtime-edge\/(server|client)|realtime-edge(?![\w.-]*\.tgz))(?![\w-])/;
const INSTALL = new RegExp(
  `\\b(npx|npm (install|i|add|exec|create)|pnpm (add|dlx)|yarn (add|dlx)|bunx?|deno add)\\b.*${PACKAGE_NAME.source}`,
);
/** Distance of the words "not published" from an install command, in lines. */
const NEAR_LINES = 5;

function read(path: string): Promise<string> {
  return Deno.readTextFile(new URL(path, ROOT));
}

/** Adds a route file to a copy of the function, and mounts it under its own name. */
function addRoute(copy: FunctionCopy, name: string, code: string): Promise<void> {
  return copy.addEndpoint({ name, code, line: `  .route("/${name}", ${name})` });
}

/** The new side of a diff. */
function newSide(diff: string): string {
  return diff.split("\n").filter((line) => !line.startsWith("-")).map((line) => line.slice(1)).join("\n");
}

Deno.test("the code of AGENTS.md compiles in a function of its own, with the lines that it names", async () => {
  await using copy = await copyFunction();
  const page = await read("AGENTS.md");
  const blocks = (await readCodeBlocks("AGENTS.md")).filter(({ language }) => language === "ts");
  const paths = blocks.map(({ code }) => /^\/\/ (\S+)\n/.exec(code)?.[1] ?? "");
  for (const [at, { code }] of blocks.entries()) {
    const path = paths[at] ?? "";
    assert(
      path.startsWith(FUNCTION),
      `AGENTS.md: a block does not begin with its path: ${code.slice(0, 60)}`,
    );
    const name = /\/routes\/(\w+)\.ts$/.exec(path)?.[1];
    if (name === undefined) {
      await copy.write(path.slice(FUNCTION.length), code);
      continue;
    }
    assertStringIncludes(page, `.route("/${name}", ${name})`);
    await addRoute(copy, name, code);
  }
  assertEquals(await copy.check("app.ts"), "");
  const routes = paths.filter((path) => path.includes("/routes/"));
  assert(routes.length >= 4, `AGENTS.md shows ${routes.length} routes`);
});

Deno.test("the new side of each upgrade in CHANGELOG.md compiles", async () => {
  await using copy = await copyFunction();
  const diffs = (await readCodeBlocks("CHANGELOG.md")).filter(({ language }) => language === "diff");
  const names = diffs.map(({ code }) => /^\+export const (\w+)/m.exec(code)?.[1] ?? "");
  assertEquals(names, ["boards", "tables", "app"]);
  for (const [at, { code }] of diffs.entries()) {
    const path = names[at] === "app" ? "app.ts" : `routes/${names[at]}.ts`;
    await copy.write(path, newSide(code));
  }
  assertEquals(await copy.check("app.ts"), "");
});

Deno.test("CHANGELOG.md names every function that the engine exports", async () => {
  const changelog = await read("CHANGELOG.md");
  for (const entry of ["mod", "rooms"]) {
    const exported = Object.keys(await import(new URL(`packages/server/${entry}.ts`, ROOT).href));
    assert(exported.length > 0, `packages/server/${entry}.ts exports nothing`);
    for (const name of exported) assertStringIncludes(changelog, `\`${name}\``);
  }
});

Deno.test("the licence is MIT, in LICENSE and in every manifest", async () => {
  assert((await read("LICENSE")).startsWith("MIT License\n\nCopyright (c) 2026 the Realtime Edge authors\n"));
  for (const [path, { license }] of await readManifests()) assertEquals(license, "MIT", path);
});

Deno.test("the version is the same in manifests, code and changelog", async () => {
  for (const [path, { version }] of await readManifests()) assertEquals(version, VERSION, path);
  const released = /^## (\d+\.\d+\.\d+)/m.exec(await read("CHANGELOG.md"))?.[1];
  assertEquals(released, VERSION, `CHANGELOG.md: "Unreleased" becomes ${VERSION} when the version changes`);
});

Deno.test("no page tells people to install a name that is not published, without saying so", async () => {
  const pages = await markdownPages();
  assert(pages.includes("README.md") && pages.includes("docs/client.md"), pages.join(" "));
  for (const page of pages) {
    assertEquals(unmarkedInstalls(await read(page)), [], `${page}: write "not published" beside the command`);
  }
});

Deno.test("an install command is found in its usual forms, and a tarball's path is none", () => {
  const found = [
    "npm install @realtime-edge/client",
    "`npx realtime-edge init`",
    "npx -y realtime-edge@0.2.0 dev",
    "deno add npm:@realtime-edge/server",
  ];
  for (const line of found) assertEquals(unmarkedInstalls(line), [line]);
  assertEquals(unmarkedInstalls("npx -y ./dist/npm/realtime-edge-0.2.0.tgz init"), []);
  assertEquals(unmarkedInstalls("It is not published yet. Later:\n\nnpm i @realtime-edge/client"), []);
});

/** Manifests of the packages, by path. */
async function readManifests(): Promise<Map<string, Record<string, unknown>>> {
  const files = (await listFiles(new URL("packages/", ROOT), ".json")).map((path) => `packages/${path}`);
  const paths = files.filter((path) => /^packages\/\w+\/(deno|package)\.json$/.test(path));
  assert(paths.includes("packages/server/deno.json"), `packages/server has no manifest, only ${paths}`);
  return new Map(await Promise.all(paths.map(async (path) => [path, JSON.parse(await read(path))] as const)));
}

/** Install commands for our names with no "not published" near them. */
function unmarkedInstalls(page: string): string[] {
  const lines = page.split("\n");
  return lines.filter((line, at) => {
    const around = lines.slice(Math.max(0, at - NEAR_LINES), at + NEAR_LINES + 1).join(" ");
    return INSTALL.test(line) && !/not published/i.test(around.replace(/\s+/g, " "));
  });
}

async function markdownPages(): Promise<string[]> {
  const top: string[] = [];
  for await (const { name } of Deno.readDir(ROOT)) if (name.endsWith(".md")) top.push(name);
  const nested = await Promise.all(
    ["docs/", "packages/", ".github/"].map(async (folder) =>
      (await listFiles(new URL(folder, ROOT), ".md")).map((path) => folder + path)
    ),
  );
  return [...top, ...nested.flat()].filter((page) => !page.includes("node_modules/")).sort();
}
