import { stat } from "node:fs/promises";
import { join } from "node:path";
import { CliError, EXIT } from "../cli_error.ts";
import { applyChanges, planChanges } from "../project/change_set.ts";
import { changesBetween } from "../project/changelog.ts";
import { planEngine, planMigrations, wantedPins } from "../project/engine_changes.ts";
import { ENGINE_NAME, findPinProblems, readEngineFunctions, withPins } from "../project/function_pins.ts";
import { type PackageAssets, readFolder } from "../project/package_assets.ts";
import { ENGINE_PATH, type Project, readProject } from "../project/project.ts";
import { compareVersions, versionOf } from "../project/version.ts";
import { changeLines, changesAsJson, type Report } from "../report.ts";

/** Options of `upgrade`. */
export interface UpgradeOptions {
  readonly dir: string;
  readonly dryRun: boolean;
  readonly now: Date;
}

/**
 * Replaces the vendored engine, sets the pins of the functions that use it, and adds missing
 * migrations. Files of a function other than its `deno.json` are not touched.
 * @throws {CliError} before anything is written
 */
export async function upgrade(assets: PackageAssets, { dir, dryRun, now }: UpgradeOptions): Promise<Report> {
  const project = await readProject(dir);
  const functions = await readEngineFunctions(project.root);
  const vendored = await readFolder(join(project.root, ENGINE_PATH));
  const found = versionOf(vendored.get("README.md"));
  const cloned = await clonedLayout(project, functions.length > 0);
  if (vendored.size === 0 && cloned.length === 0) {
    throw new CliError(`Nothing to upgrade: there is no ${ENGINE_PATH}. Run \`realtime-edge init\` first.`);
  }
  if (found !== undefined && compareVersions(assets.version, found) < 0) {
    throw new CliError(
      `${ENGINE_PATH} holds ${found}, and this command is older: ${assets.version}. Run the command of ${found} or later.`,
    );
  }
  const wanted = wantedPins(assets);
  const pins = await planChanges(
    project.root,
    functions.map(({ file, text, imports }) => ({
      path: file,
      content: withPins(text, file, findPinProblems(imports, wanted)),
    })),
  );
  const changes = [
    ...await planEngine(project, assets),
    ...pins,
    ...await planMigrations(project, assets, now),
  ];
  if (!dryRun) await applyChanges(project.root, changes);

  const lines = changeLines(changes, dryRun);
  const news = found === undefined ? [] : changesBetween(assets.changelog, found, assets.version);
  const text = lines.length === 0 ? [`Nothing to do: ${assets.version} is there.`] : [
    ...lines,
    "",
    found === assets.version
      ? `${dryRun ? "Would restore" : "Restored"} ${found}.`
      : `${dryRun ? "Would upgrade" : "Upgraded"} from ${found ?? "a clone"} to ${assets.version}.`,
    ...news.length > 0 ? ["", ...news] : [],
    "",
    "Next: npx supabase@3.1.0 db push, then deploy. Your app.ts, routes/ and middleware/ are as they were.",
  ];
  if (cloned.length > 0) text.push("", "The engine is vendored now. Delete what the clone left:", ...cloned);
  return {
    exitCode: EXIT.done,
    text: text.join("\n"),
    json: {
      command: "upgrade",
      ok: true,
      dry_run: dryRun,
      from: found ?? null,
      to: assets.version,
      changes: changesAsJson(changes),
      news,
      delete: cloned.map((path) => path.trim()),
    },
  };
}

/** Parts of the layout of a clone, where the engine's source stood beside `supabase/`. */
async function clonedLayout({ root }: Project, isUsed: boolean): Promise<string[]> {
  if (await exists(root, "supabase/functions/realtime/backplane")) throw clonedFirstVersion();
  if (!isUsed || !await exists(root, "packages/server/mod.ts")) return [];
  return ["  packages/server", "  packages/protocol", "  both entries of `workspace` in deno.json"];
}

/** 0.1.0 had the engine and the user's files in one folder, with another API. */
function clonedFirstVersion(): CliError {
  return new CliError(
    [
      "supabase/functions/realtime is a copy of 0.1.0, with the engine inside. Its files cannot be upgraded in place:",
      "  1. Move your own routes and middleware out of supabase/functions/realtime.",
      "  2. Delete supabase/functions/realtime. Keep supabase/migrations.",
      "  3. Run `realtime-edge init`, and put your files back.",
      `  4. Change their imports to "${ENGINE_NAME}", as CHANGELOG.md shows ("How to upgrade from 0.1.0").`,
    ].join("\n"),
    { place: { file: "supabase/functions/realtime" } },
  );
}

async function exists(root: string, path: string): Promise<boolean> {
  return await stat(join(root, path)).then(() => true, () => false);
}
