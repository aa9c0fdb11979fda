import { EXIT } from "../cli_error.ts";
import { checkConfig } from "../doctor/check_config.ts";
import { checkDatabase } from "../doctor/check_database.ts";
import { checkDeployment } from "../doctor/check_deployment.ts";
import { checkEngine, checkHono, checkPins } from "../doctor/check_engine.ts";
import { checkMigrations } from "../doctor/check_migrations.ts";
import { checkVariables, readEnvFile } from "../doctor/check_variables.ts";
import { type Finding, problem } from "../doctor/finding.ts";
import { readEngineFunctions } from "../project/function_pins.ts";
import type { PackageAssets } from "../project/package_assets.ts";
import { readProject } from "../project/project.ts";
import type { Report } from "../report.ts";

/** Options of `doctor`. */
export interface DoctorOptions {
  readonly dir: string;
  /** Address of the deployed function. */
  readonly url: string | undefined;
  readonly dbUrl: string | undefined;
  readonly envFile: string | undefined;
}

const MARKS = { ok: "ok      ", problem: "PROBLEM ", skipped: "skipped " } as const;

/**
 * Checks a project, and with addresses its database and its deployment. Writes nothing.
 * @throws {CliError} if there is no project, or config.toml cannot be parsed
 */
export async function doctor(assets: PackageAssets, options: DoctorOptions): Promise<Report> {
  const project = await readProject(options.dir);
  const functions = await readEngineFunctions(project.root);
  const env = await readEnvFile(project, options.envFile);
  const findings: Finding[] = functions.length === 0
    ? [problem("functions", "no function uses the engine", "run `realtime-edge init`")]
    : [
      ...checkConfig(project, functions),
      await checkEngine(project, assets),
      ...checkPins(functions, assets),
      ...await checkHono(project, functions),
      ...checkMigrations(project, assets),
      ...checkVariables(env),
      ...await checkDatabase(options.dbUrl, project, assets),
      ...await checkDeployment(options.url, assets),
    ];
  const problems = findings.filter(({ state }) => state === "problem").length;
  const lines = findings.map(({ check, state, text, fix }) =>
    `${MARKS[state]}${check}: ${text}${fix === undefined ? "" : ` → ${fix}`}`
  );
  const summary = problems === 0
    ? "Nothing is wrong."
    : `${problems} ${problems === 1 ? "problem" : "problems"}.`;
  return {
    exitCode: problems === 0 ? EXIT.done : EXIT.problem,
    text: [...lines, "", summary].join("\n"),
    json: { command: "doctor", ok: problems === 0, findings },
  };
}
