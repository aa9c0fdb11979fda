import { join } from "node:path";
import { type Change, planChanges } from "./change_set.ts";
import { compareMigrations, type MigrationState, missingMigrations } from "./migrations.ts";
import { type PackageAssets, readFolder } from "./package_assets.ts";
import { ENGINE_PATH, MIGRATIONS_PATH, type Project } from "./project.ts";

/**
 * Plans the vendored engine as the package has it. Files there that it does not have are removed:
 * the folder belongs to the package.
 */
export async function planEngine(project: Project, { engine }: PackageAssets): Promise<Change[]> {
  const vendored = await readFolder(join(project.root, ENGINE_PATH));
  const wanted = [...engine].map(([path, content]) => ({ path: `${ENGINE_PATH}/${path}`, content }));
  const left = [...vendored.keys()].filter((path) => !engine.has(path));
  return await planChanges(project.root, [
    ...wanted,
    ...left.map((path) => ({ path: `${ENGINE_PATH}/${path}`, content: undefined })),
  ]);
}

/** Compares the package's migrations with the project's. */
export function migrationStates(project: Project, assets: PackageAssets): MigrationState[] {
  const engine = [...assets.migrations].map(([file, text]) => ({ file, text }));
  return compareMigrations(engine, project.migrations);
}

/** Plans the migrations that are missing. */
export async function planMigrations(project: Project, assets: PackageAssets, now: Date): Promise<Change[]> {
  const missing = missingMigrations(migrationStates(project, assets), project.migrations, now);
  return await planChanges(
    project.root,
    missing.map(({ file, text }) => ({ path: `${MIGRATIONS_PATH}/${file}`, content: text })),
  );
}

/** Pins of a function's import map, as the package's template has them. */
export function wantedPins(assets: PackageAssets): Readonly<Record<string, string>> {
  return JSON.parse(assets.template.get("deno.json") ?? "{}").imports ?? {};
}
