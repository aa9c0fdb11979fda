import * as esbuild from "esbuild";
import { ES_MODULES } from "../../packages/cli/dev/bundle.ts";
import { VERSION } from "../../packages/server/src/version.ts";
import { manifestText } from "./manifest.ts";
import { type PackageFile, repositoryFiles } from "./package_file.ts";
import { readPins } from "./server_package.ts";
import { type Stage, stagePath } from "./stage.ts";

const FUNCTION = "supabase/functions/realtime/";
/** The user's files of a function; its `deno.json` is written from the pins. */
const TEMPLATE = ["index.ts", "app.ts", "routes/echo.ts", "routes/rooms.ts", "middleware/auth.ts"];
/** The vendored engine, seen from the function's folder. */
const ENGINE = "../_shared/realtime-edge";
/** Packages that the engine imports, and zod for schemas of the user's own. */
const PINNED = ["@redis/client", "@supabase/supabase-js", "hono", "zod"];
/** Packages with further entries, such as `hono/cors` and `zod/mini`. */
const WITH_ENTRIES: readonly string[] = ["hono", "zod"];

/**
 * Builds the npm package `realtime-edge`: the command for Node, and what it puts into projects. It
 * has no dependencies, so that `npx` needs one download.
 * @param server Files of the server's package.
 */
export async function cliPackage(stage: Stage, server: readonly PackageFile[]): Promise<PackageFile[]> {
  return [
    { path: "realtime-edge.js", text: await bundleCommand(stage) },
    ...await devServer(stage),
    ...server.filter(({ path }) => /^[^/]+\.(js|d\.ts)$|^LICENSE$/.test(path)).map(into("engine")),
    { path: "engine/README.md", text: ENGINE_README },
    ...server.filter(({ path }) => path.startsWith("migrations/")),
    ...(await repositoryFiles(Object.fromEntries(TEMPLATE.map((path) => [path, FUNCTION + path])))).map(
      into("template"),
    ),
    { path: "template/deno.json", text: await importMap() },
    ...await repositoryFiles({
      "LICENSE": "LICENSE",
      "CHANGELOG.md": "CHANGELOG.md",
      "README.md": "packages/cli/README.md",
    }),
    {
      path: "package.json",
      text: manifestText({
        name: "realtime-edge",
        description: "Adds rooms and socket endpoints to a Supabase project, on your own Postgres.",
        keywords: ["cli", "deno", "presence"],
        bin: { "realtime-edge": "./realtime-edge.js" },
        files: ["realtime-edge.js", "dev", "engine", "template", "migrations", "CHANGELOG.md"],
        engines: { node: ">=20.12" },
      }),
    },
  ];
}

/** Its first line tells the version of a vendored copy. */
const ENGINE_README = `# Realtime Edge ${VERSION}

The engine of your sockets and rooms, as \`realtime-edge init\` put it here. Do not edit these files:
\`realtime-edge upgrade\` replaces the folder. Your endpoints are in the function's own folder.
`;

const into = (folder: string) => ({ path, text }: PackageFile) => ({ path: `${folder}/${path}`, text });

/** Files of the playground that are served as they are. */
const PLAYGROUND = ["index.html", "style.css", "room.css", "icon.svg"];

/** The dev server, for Deno, with the playground beside it. */
async function devServer(stage: Stage): Promise<PackageFile[]> {
  const server = await esbuild.build({
    entryPoints: [stagePath(stage, "packages/cli/dev/project_server.ts")],
    // Bundles the playground in a clone; here it is bundled already.
    external: ["*/bundle.ts"],
    platform: "node",
    ...ES_MODULES,
    absWorkingDir: stagePath(stage, "."),
  });
  const page = await esbuild.build({
    entryPoints: [stagePath(stage, "packages/cli/playground/main.ts")],
    ...ES_MODULES,
    absWorkingDir: stagePath(stage, "."),
  });
  const sources = PLAYGROUND.map((name) => [`dev/playground/${name}`, `packages/cli/playground/${name}`]);
  return [
    ...server.outputFiles.map(({ text }) => ({ path: "dev/project_server.js", text })),
    ...page.outputFiles.map(({ text }) => ({ path: "dev/playground/main.js", text })),
    ...await repositoryFiles(Object.fromEntries(sources)),
  ];
}

async function bundleCommand(stage: Stage): Promise<string> {
  const { outputFiles } = await esbuild.build({
    entryPoints: [stagePath(stage, "packages/cli/src/main.ts")],
    ...ES_MODULES,
    absWorkingDir: stagePath(stage, "."),
    platform: "node",
    target: "node20",
    banner: { js: "#!/usr/bin/env node" },
  });
  return outputFiles.map(({ text }) => text).join("");
}

/** The function's `deno.json`. A longer key stands first: the Supabase CLI matches by prefix. */
async function importMap(): Promise<string> {
  const pins = await readPins();
  const imports: Record<string, string> = {
    "@realtime-edge/server/rooms": `${ENGINE}/rooms.js`,
    "@realtime-edge/server/supabase": `${ENGINE}/supabase.js`,
    "@realtime-edge/server/testing": `${ENGINE}/testing.js`,
    "@realtime-edge/server": `${ENGINE}/mod.js`,
  };
  for (const name of PINNED) {
    imports[name] = `npm:${name}@${pins[name]}`;
    if (WITH_ENTRIES.includes(name)) imports[`${name}/`] = `npm:/${name}@${pins[name]}/`;
  }
  return JSON.stringify({ imports }, null, 2) + "\n";
}
