import { join } from "node:path";
import { planEngine, wantedPins } from "../project/engine_changes.ts";
import { functionPath } from "../project/function_files.ts";
import { type EngineFunction, findPinProblems } from "../project/function_pins.ts";
import { type PackageAssets, readFolder } from "../project/package_assets.ts";
import { ENGINE_PATH, type Project } from "../project/project.ts";
import { versionOf } from "../project/version.ts";
import { type Finding, ok, problem } from "./finding.ts";

/** Checks that the vendored engine is complete, unedited, and of this command's version. */
export async function checkEngine(project: Project, assets: PackageAssets): Promise<Finding> {
  const vendored = await readFolder(join(project.root, ENGINE_PATH));
  const found = versionOf(vendored.get("README.md"));
  const differing = (await planEngine(project, assets)).filter(({ kind }) => kind !== "unchanged");
  if (differing.length === 0) return ok("engine", `${assets.version}, as it was packed`);
  if (found !== undefined && found !== assets.version) {
    return problem(
      "engine",
      `${found} is there, this command has ${assets.version}`,
      "run `realtime-edge upgrade`",
    );
  }
  const names = differing.map(({ path }) => path.slice(ENGINE_PATH.length + 1)).join(", ");
  return problem("engine", `files differ from ${assets.version}: ${names}`, "run `realtime-edge upgrade`");
}

/** Checks the versions of packages that each function pins. */
export function checkPins(functions: readonly EngineFunction[], assets: PackageAssets): Finding[] {
  return functions.flatMap(({ file, imports }) => {
    const problems = findPinProblems(imports, wantedPins(assets));
    if (problems.length === 0) return [ok("pins", `${file} has the engine's versions`)];
    return problems.map(({ name, found, wanted }) =>
      problem(
        "pins",
        `${file} pins "${name}" to ${found ?? "nothing"}; the engine needs ${wanted}`,
        "run `realtime-edge upgrade`",
      )
    );
  });
}

/** An import that names Hono with a place of its own, and so is a second one. */
const HONO = /["'](?:npm:\/?hono@?|jsr:\/?@hono\/hono|https?:\/\/[^"']*\bhono\b)[^"']*["']/;

/**
 * Checks that a function's files import Hono through its import map: one Hono is better than two.
 */
export async function checkHono(project: Project, functions: readonly EngineFunction[]): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { name, imports } of functions) {
    const sources = await readFolder(join(project.root, functionPath(name)));
    for (const [path, text] of sources) {
      if (!/\.(ts|tsx|js|mjs)$/.test(path)) continue;
      const specifier = HONO.exec(text)?.[0].slice(1, -1);
      if (specifier === undefined || specifier.startsWith(imports["hono"] ?? "npm:hono@")) continue;
      findings.push(
        problem(
          "hono",
          `${functionPath(name)}/${path} imports ${specifier} beside ${
            imports["hono"]
          }: two versions of Hono`,
          'import "hono" there, and leave the version to deno.json',
        ),
      );
    }
  }
  return findings.length > 0 ? findings : [ok("hono", "one version in every function")];
}
