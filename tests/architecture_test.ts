/**
 * The rules of the repository's structure: which part may import which, and what only one part may
 * do (docs/architecture.md).
 */
import { assertEquals } from "@std/assert";
import { listFiles } from "../tools/support/list_files.ts";

const ROOT = new URL("../", import.meta.url);
const ENGINE = "packages/server/";

/** Parts of the repository, and the parts that each may import. Tests may import everything. */
const PARTS: Readonly<Record<string, readonly string[]>> = {
  "supabase/functions/realtime": [],
  "packages/protocol": [],
  "packages/server": ["packages/protocol"],
  "packages/client": ["packages/protocol"],
  // The dev server runs the function in this process.
  "packages/cli": ["packages/server", "packages/client", "supabase/functions/realtime"],
  "tools/support": ["packages/protocol", "packages/server", "packages/client", "packages/cli"],
  "tools/bench": ["tools/support", "packages/protocol", "packages/server", "packages/client", "packages/cli"],
  "tools/soak": [
    "tools/support",
    "packages/protocol",
    "packages/server",
    "packages/client",
    "packages/cli",
    // The churn scenario measures the function from inside its process.
    "supabase/functions/realtime",
  ],
  "tools/edge_host": ["tools/support", "packages/protocol", "packages/server", "packages/cli"],
  "tools/pack": ["tools/support", "packages/protocol", "packages/server", "packages/cli"],
  // The tables of measurements are those of the bench.
  "tools/docs": ["tools/support", "tools/bench", "packages/protocol", "packages/server"],
  // The lint describes the routes of the function as shipped.
  "tools/openapi": ["packages/protocol", "packages/server", "supabase/functions/realtime"],
  "tools/checks": ["tools/support"],
};

/** Imports between parts that stand outside the table, each with its reason. */
const EXCEPTIONS: readonly string[] = [
  // The function as the hosted runtime starts it, for tests and tools.
  "tools/support/processes/hosted_entry.ts → supabase/functions/realtime/index.ts",
];

/** The layers of the engine; each may import those below it, and the packages' protocol. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  "host": ["auth", "compose", "config", "http", "observability", "socket"],
  "testing": ["host"],
  "compose": [
    "auth",
    "backplane",
    "clocks.ts",
    "config",
    "http",
    "lazy.ts",
    "observability",
    "permissions",
    "rooms",
    "schemas",
    "socket",
  ],
  "http": [
    "auth",
    "backplane",
    "call_limit.ts",
    "channels",
    "clocks.ts",
    "lazy.ts",
    "observability",
    "rooms",
    "schemas",
    "socket",
    "version.ts",
  ],
  "channels": ["auth", "backplane", "observability", "rooms", "schemas", "socket"],
  "permissions": ["auth", "backplane", "clocks.ts", "expiring_cache.ts", "rooms"],
  "rooms": [
    "auth",
    "backplane",
    "call_limit.ts",
    "clocks.ts",
    "lazy.ts",
    "observability",
    "schemas",
    "socket",
  ],
  "socket": ["auth", "clocks.ts", "expiring_cache.ts", "observability", "schemas"],
  "auth": ["call_limit.ts", "clocks.ts", "expiring_cache.ts"],
  "backplane": ["call_limit.ts", "clocks.ts", "lazy.ts"],
  "config": [],
  "schemas": [],
  "observability": ["clocks.ts"],
  "call_limit.ts": [],
  "clocks.ts": [],
  "expiring_cache.ts": ["clocks.ts"],
  "lazy.ts": [],
  "version.ts": [],
};

/** Calls that only one part of the engine may make. */
const ONLY_IN: readonly { what: RegExp; where: RegExp }[] = [
  { what: /Deno\.env/, where: /^host\// },
  { what: /Deno\.upgradeWebSocket|raw\.(send|close)\(/, where: /^socket\// },
  { what: /\bDeno\./, where: /^(?!schemas\/)/ },
  { what: /from "(npm:)?hono/, where: /^(http|host|testing)\// },
  { what: /console\./, where: /^(host|config)\// },
  // The wall clock may step. `testing/` issues tokens.
  { what: /Date\.now|new Date\(\)/, where: /^(clocks\.ts|testing\/)/ },
];

interface Source {
  /** From the repository's root. */
  readonly path: string;
  readonly code: string;
  /** Modules of the repository that this one imports, from the root. */
  readonly imports: readonly string[];
}

const sources: readonly Source[] = await readSources();

async function readSources(): Promise<Source[]> {
  const folders = [...Object.keys(PARTS), "tests"];
  const paths = await Promise.all(folders.map(async (folder) => {
    return (await listFiles(new URL(`${folder}/`, ROOT), ".ts")).map((path) => `${folder}/${path}`);
  }));
  return await Promise.all(
    paths.flat().map(async (path) => {
      const text = await Deno.readTextFile(new URL(path, ROOT));
      // A comment may name anything.
      const code = text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
      const specifiers = [...code.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*"(\.[^"]+)"/g)].map(([, name = ""]) =>
        name
      );
      const imports = specifiers.map((name) =>
        new URL(name, new URL(path, ROOT)).href.slice(ROOT.href.length)
      );
      return { path, code, imports };
    }),
  );
}

const partOf = (path: string) =>
  Object.keys(PARTS).find((part) => path.startsWith(`${part}/`)) ?? path.split("/")[0] ?? path;
const layerOf = (path: string) => path.slice(`${ENGINE}src/`.length).split("/")[0] ?? path;
const ENGINE_SOURCES = sources.filter(({ path }) => path.startsWith(`${ENGINE}src/`));

Deno.test("a part of the repository imports the parts below it only, and none imports tests", () => {
  const wrong = sources.filter(({ path }) => partOf(path) !== "tests").flatMap(({ path, imports }) =>
    imports.filter((target) =>
      partOf(target) !== partOf(path) && !PARTS[partOf(path)]?.includes(partOf(target))
    ).map((target) => `${path} → ${target}`)
  );
  assertEquals(wrong, [...EXCEPTIONS]);
});

Deno.test("the function and other packages import the entries of a package only", () => {
  const wrong = sources.filter(({ path }) => /^(supabase|packages\/(client|protocol))\//.test(path)).flatMap((
    { path, imports },
  ) => imports.filter((target) => target.startsWith(`${ENGINE}src/`)).map((target) => `${path} → ${target}`));
  assertEquals(wrong, []);
});

Deno.test("a layer of the engine imports the layers below it only", () => {
  const wrong = ENGINE_SOURCES.flatMap(({ path, imports }) =>
    imports.filter((target) =>
      target.startsWith(ENGINE) && layerOf(target) !== layerOf(path) &&
      !LAYERS[layerOf(path)]?.includes(layerOf(target))
    ).map((target) => `${path} → ${target}`)
  );
  assertEquals(wrong, []);
});

Deno.test("every layer of the engine has its rule, and no rule is left over", () => {
  const layers = new Set(ENGINE_SOURCES.map(({ path }) => layerOf(path)));
  assertEquals([...layers].sort(), Object.keys(LAYERS).sort());
});

Deno.test("no modules import each other in a circle", () => {
  assertEquals(circlesOf(sources), []);
});

Deno.test("what only one part of the engine may do is done there only", () => {
  const wrong = ENGINE_SOURCES.flatMap(({ path, code }) =>
    ONLY_IN.filter(({ what, where }) => what.test(code) && !where.test(path.slice(`${ENGINE}src/`.length)))
      .map(({ what }) => `${path}: ${what.source}`)
  );
  assertEquals(wrong, []);
});

Deno.test("no class of a package has parameter properties, which `erasableSyntaxOnly` of Vite's projects refuses", () => {
  const property = /constructor\(\s*(?:[^(){}]*,\s*)?(?:readonly|private|public|protected)\s+\w+\??:/;
  const wrong = sources.filter(({ path, code }) => path.startsWith("packages/") && property.test(code))
    .map(({ path }) => path);
  assertEquals(wrong, []);
});

Deno.test("every import that is deployed is a literal, so that the CLI uploads what it names", () => {
  const wrong = sources.filter(({ path, code }) =>
    /^(packages\/(server|protocol)|supabase)\//.test(path) && /\bimport\s*\(\s*[^"\s]/.test(code)
  );
  assertEquals(wrong.map(({ path }) => path), []);
});

Deno.test("every export of the engine has a doc comment", async () => {
  const wrong: string[] = [];
  for (const { path } of sources.filter(({ path }) => /^packages\/(server|protocol)\//.test(path))) {
    const lines = (await Deno.readTextFile(new URL(path, ROOT))).split("\n");
    lines.forEach((line, at) => {
      if (!/^export (?!type \{|\{|\*)/.test(line)) return;
      // A lint directive or a reason may stand between the doc comment and the export.
      let before = at - 1;
      while (lines[before]?.startsWith("//")) before--;
      if (!lines[before]?.trimEnd().endsWith("*/")) wrong.push(`${path}:${at + 1} ${line}`);
    });
  }
  assertEquals(wrong, []);
});

Deno.test("the migrations of the project are those of the engine", async () => {
  const folders = ["supabase/migrations/", `${ENGINE}migrations/`].map((folder) => new URL(folder, ROOT));
  const [project, engine] = await Promise.all(folders.map(async (folder) =>
    await Promise.all(
      (await listFiles(folder, ".sql")).map(async (
        name,
      ) => [name, await Deno.readTextFile(new URL(name, folder))]),
    )
  ));
  assertEquals(project, engine);
});

/** Every circle of imports, as the modules in it. */
function circlesOf(modules: readonly Source[]): string[][] {
  const importsOf = new Map(modules.map(({ path, imports }) => [path, imports]));
  const circles: string[][] = [];
  const done = new Set<string>();
  function visit(path: string, trail: readonly string[]): void {
    const at = trail.indexOf(path);
    if (at >= 0) return void circles.push(trail.slice(at));
    if (done.has(path)) return;
    for (const target of importsOf.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  }
  for (const { path } of modules) visit(path, []);
  return circles;
}
