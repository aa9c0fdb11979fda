import type { Ask } from "../ask.ts";
import { CliError, EXIT } from "../cli_error.ts";
import { applyChanges, type Change, planChanges } from "../project/change_set.ts";
import { CONFIG_PATH, parseConfig, withoutVerifyJwt } from "../project/config_toml.ts";
import { planEngine, planMigrations } from "../project/engine_changes.ts";
import { checkFunctionName, functionFiles, functionPath } from "../project/function_files.ts";
import { readEngineFunctions } from "../project/function_pins.ts";
import type { PackageAssets } from "../project/package_assets.ts";
import { ENGINE_PATH, type Project, readProject } from "../project/project.ts";
import { changeLines, changesAsJson, countLines, type Report } from "../report.ts";

/** Options of `init`. */
export interface InitOptions {
  readonly dir: string;
  /** Name of the function; `realtime` if it is undefined and nobody can be asked. */
  readonly name: string | undefined;
  readonly dryRun: boolean;
  /** True to overwrite files of the function. */
  readonly force: boolean;
  readonly now: Date;
  readonly ask: Ask | undefined;
}

const DEFAULT_NAME = "realtime";
const NAME_QUESTION = "Name of the function, with which its addresses begin";

/**
 * Adds the engine, a function of the user's own, and the migrations to a project.
 * @throws {CliError} before anything is written
 */
export async function init(assets: PackageAssets, options: InitOptions): Promise<Report> {
  const { dryRun, force, ask } = options;
  if (options.name !== undefined) checkFunctionName(options.name);
  const project = await readProject(options.dir);
  const name = options.name ?? await ask?.(NAME_QUESTION, DEFAULT_NAME) ?? DEFAULT_NAME;
  checkFunctionName(name);
  const config = withoutVerifyJwt(project.config, name);

  const own = await planChanges(project.root, functionFiles(assets.template, name));
  const conflicts = own.filter(({ kind }) => kind === "replace");
  if (conflicts.length > 0 && !force) {
    const isOurs = (await readEngineFunctions(project.root)).some((one) => one.name === name);
    throw isOurs ? alreadyThere(name) : functionExists(name, conflicts);
  }

  const engine = await planEngine(project, assets);
  if (engine.some(({ kind }) => kind === "replace" || kind === "remove") && !force) {
    throw new CliError(`${ENGINE_PATH} holds another version. Run \`realtime-edge upgrade\` to replace it.`);
  }
  const migrations = await planMigrations(project, assets, options.now);
  // The configuration last: until it names the function, nothing is deployed.
  const configuration = await planChanges(project.root, [{ path: CONFIG_PATH, content: config }]);
  const changes = [...engine, ...own, ...migrations, ...configuration];
  if (!dryRun) await applyChanges(project.root, changes);
  return reportOf({ project, name, dryRun, own, changes });
}

/** Naming --force here would invite to overwrite the user's own endpoints. */
function alreadyThere(name: string): CliError {
  return new CliError(
    `${functionPath(name)} uses Realtime Edge already. Run \`realtime-edge upgrade\` for another version, ` +
      "or add a second function with --name.",
    { place: { file: functionPath(name) } },
  );
}

function functionExists(name: string, conflicts: readonly Change[]): CliError {
  const folder = functionPath(name);
  const files = conflicts.map(({ path }) => path.slice(folder.length + 1)).join(", ");
  return new CliError(
    `A function named ${name} exists already: ${folder} (${files}). ` +
      "Choose another name with --name, or overwrite these files with --force. " +
      "For a newer engine run `realtime-edge upgrade`, which leaves them alone.",
    { place: { file: folder } },
  );
}

interface Outcome {
  readonly project: Project;
  readonly name: string;
  readonly dryRun: boolean;
  readonly own: readonly Change[];
  readonly changes: readonly Change[];
}

function reportOf({ project, name, dryRun, own, changes }: Outcome): Report {
  const lines = changeLines(changes, dryRun);
  const folder = functionPath(name);
  const next = [
    // Beside a package.json Deno would look for packages in node_modules.
    `npx -y deno@2.9.6 check --no-lock --node-modules-dir=none --config ${folder}/deno.json ${folder}/index.ts`,
    "npx supabase@3.1.0 db push",
    `npx supabase@3.1.0 functions deploy ${name} --use-api`,
  ];
  const notes = notesOf(project.config);
  const text = lines.length === 0 ? ["Nothing to do: everything is there."] : [
    ...lines,
    "",
    `Yours: ${own.length} files, ${countLines(own)} lines in ${folder}. ` +
    `The engine is in ${ENGINE_PATH}: leave it as it is.`,
    ...notes,
    "",
    "Try it here, without a deployment: this command with `dev` in place of `init`.",
    "Next (the last two need a linked project, `npx supabase@3.1.0 link`):",
    ...next.map((command) => `  ${command}`),
  ];
  return {
    exitCode: EXIT.done,
    text: text.join("\n"),
    json: { command: "init", ok: true, dry_run: dryRun, changes: changesAsJson(changes), notes, next },
  };
}

/** Settings of the project that a socket would suffer from. */
function notesOf(config: string): string[] {
  const runtime = parseConfig(config)["edge_runtime"];
  const policy = typeof runtime === "object" && "policy" in runtime ? runtime["policy"] : undefined;
  if (policy !== "oneshot") return [];
  return [
    `${CONFIG_PATH} sets edge_runtime.policy = "oneshot": locally every socket then ends at once. ` +
    'Set "per_worker".',
  ];
}
