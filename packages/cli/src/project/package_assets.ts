import { readdir, readFile } from "node:fs/promises";
import * as nodePath from "node:path";
import { join } from "node:path";

/** Files that the package carries for projects: text by path, with `/`. */
export interface PackageAssets {
  readonly version: string;
  /** The bundled engine. */
  readonly engine: ReadonlyMap<string, string>;
  /** The function as a user gets it. */
  readonly template: ReadonlyMap<string, string>;
  readonly migrations: ReadonlyMap<string, string>;
  readonly changelog: string;
}

/** Reads the assets beside the command. */
export async function readAssets(folder: string): Promise<PackageAssets> {
  const [engine, template, migrations, changelog, manifest] = await Promise.all([
    readFolder(join(folder, "engine")),
    readFolder(join(folder, "template")),
    readFolder(join(folder, "migrations")),
    readFile(join(folder, "CHANGELOG.md"), "utf8"),
    readFile(join(folder, "package.json"), "utf8"),
  ]);
  return { version: JSON.parse(manifest).version, engine, template, migrations, changelog };
}

/** Reads all files below a folder, sorted by path. No folder has no files. */
export async function readFolder(folder: string): Promise<Map<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && /^(ENOENT|ENOTDIR)$/.test(String(error.code))) return [];
    throw error;
  });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const read = files.map(async (file): Promise<[string, string]> => [
    portablePath(folder, file),
    await readFile(file, "utf8"),
  ]);
  return new Map((await Promise.all(read)).sort(([one], [other]) => one < other ? -1 : 1));
}

/** Path of a file below a folder, with `/` on every system. */
export function portablePath(
  folder: string,
  file: string,
  { relative, sep }: Pick<typeof nodePath, "relative" | "sep"> = nodePath,
): string {
  return relative(folder, file).split(sep).join("/");
}
