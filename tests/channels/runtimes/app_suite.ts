import { fileURLToPath } from "node:url";
import { bundle, stopBundling } from "../../../packages/cli/dev/bundle.ts";
import { installPackages } from "../../client/npm_project.ts";
import { type Runtime, runtimeSuite } from "../../client/runtimes/runtime_suite.ts";
import { CHANNEL_ENV, createChannelApp } from "../../support/channels/channel_server.ts";
import { STAGE_ROOM } from "./app_stage.ts";
import { SCENARIOS } from "./scenarios.ts";

/** Tested versions: the oldest that the documents name, and the newest on npm. */
const CLIENTS = [
  { version: "2.109.0", stores: false },
  { version: "2.119.1", stores: true },
] as const;

/** A runtime that runs scenarios with a client in `node_modules` of a folder. */
interface AppSuite {
  readonly name: string;
  prepare(workplace: URL): Promise<Runtime>;
}

/** The scenarios with each tested client from npm, on one runtime. */
export function appSuite({ name, prepare }: AppSuite): void {
  for (const { version, stores } of CLIENTS) {
    runtimeSuite({
      name,
      client: `supabase-js ${version}`,
      scenarios: SCENARIOS.filter((scenario) => stores || !scenario.stores),
      stage: { app: () => createChannelApp(), env: CHANNEL_ENV, room: STAGE_ROOM },
      async prepare(workplace) {
        await installPackages(workplace, [`@supabase/supabase-js@${version}`]);
        return await prepare(workplace);
      },
    });
  }
}

/** Writes a module that gives the client to a function of `file`, here; returns its path. */
export async function writeEntry(workplace: URL, file: string, call: string): Promise<string> {
  const entry = new URL("entry.mjs", workplace);
  const module = JSON.stringify(fileURLToPath(new URL(file, import.meta.url)));
  await Deno.writeTextFile(
    entry,
    `import * as client from "@supabase/supabase-js";\nimport { ${call} } from ${module};\nawait ${call}(client);\n`,
  );
  return fileURLToPath(entry);
}

/** Bundles the program for processes, whose client stays an import; returns its path. */
export async function bundleProgram(workplace: URL): Promise<string> {
  const program = await writeEntry(workplace, "program.ts", "runProgram");
  const external = ["@supabase/supabase-js", "node:*"];
  const files = await bundle({ entries: { program }, external });
  await stopBundling();
  const target = new URL("program.mjs", workplace);
  await Deno.writeTextFile(target, files.map(({ text }) => text).join("\n"));
  return fileURLToPath(target);
}
