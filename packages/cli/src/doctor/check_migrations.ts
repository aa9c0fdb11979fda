import { migrationStates } from "../project/engine_changes.ts";
import type { PackageAssets } from "../project/package_assets.ts";
import { MIGRATIONS_PATH, type Project } from "../project/project.ts";
import { type Finding, ok, problem } from "./finding.ts";

const CHECK = "migrations";

/** Checks that the project has each of the engine's migrations, with its text. */
export function checkMigrations(project: Project, assets: PackageAssets): Finding[] {
  const states = migrationStates(project, assets);
  const findings = states.flatMap(({ name, copy, differs }) => {
    if (!copy) {
      return [
        problem(
          CHECK,
          `${name} is missing in ${MIGRATIONS_PATH}`,
          "run `realtime-edge upgrade`, then `npx supabase@3.1.0 db push`",
        ),
      ];
    }
    if (!differs) return [];
    return [
      problem(
        CHECK,
        `${copy.file} has another text than the engine's`,
        "put the released text back, and write changes of your own into a new migration",
      ),
    ];
  });
  return findings.length > 0 ? findings : [ok(CHECK, `all ${states.length} are in ${MIGRATIONS_PATH}`)];
}
