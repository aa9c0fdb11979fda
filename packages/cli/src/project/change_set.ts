import { randomUUID } from "node:crypto";
import * as nodeFiles from "node:fs/promises";
import * as nodePath from "node:path";
import { dirname, join } from "node:path";
import { CliError } from "../cli_error.ts";

/** A file as it shall be; undefined content removes it. */
export interface WantedFile {
  /** Path from the project's folder, with `/`. */
  readonly path: string;
  readonly content: string | undefined;
}

/** A wanted file beside what is on disk. */
export interface Change extends WantedFile {
  readonly kind: "create" | "replace" | "remove" | "unchanged";
  /** Text on disk before the change. */
  readonly before: string | undefined;
}

/** Parts of `node:fs/promises` that write. */
export type FileWriter = Pick<typeof nodeFiles, "mkdir" | "rename" | "rm" | "writeFile">;

/**
 * Compares wanted files with the project.
 * @throws {CliError} if something other than a file has a wanted path
 */
export async function planChanges(root: string, wanted: readonly WantedFile[]): Promise<Change[]> {
  const changes: Change[] = [];
  for (const { path, content } of wanted) {
    const before = await readIfExists(join(root, path), path);
    changes.push({ path, content, before, kind: kindOf(before, content) });
  }
  return changes;
}

function kindOf(before: string | undefined, content: string | undefined): Change["kind"] {
  // Git on Windows may have changed the line ends.
  if (before?.replaceAll("\r\n", "\n") === content?.replaceAll("\r\n", "\n")) return "unchanged";
  if (before === undefined) return "create";
  return content === undefined ? "remove" : "replace";
}

/**
 * Applies changes, all or none: after a failure every file and folder is as it was. A file is
 * written beside its place and moved there, so that nobody reads half of it.
 * @throws {CliError} naming the file that could not be written
 */
export async function applyChanges(
  root: string,
  changes: readonly Change[],
  files: FileWriter = nodeFiles,
): Promise<void> {
  const undo: (() => Promise<unknown>)[] = [];
  for (const { path, content, before, kind } of changes) {
    if (kind === "unchanged") continue;
    // A link stays a link: its target is what changes.
    const target = await nodeFiles.realpath(join(root, path)).catch(() => join(root, path));
    try {
      const folders = await missingFolders(dirname(target), exists);
      undo.push(() => removeFolders(folders));
      if (folders.length > 0) await files.mkdir(dirname(target), { recursive: true });
      const mode = before === undefined ? undefined : (await nodeFiles.stat(target)).mode;
      if (before === undefined) undo.push(() => nodeFiles.rm(target, { force: true }));
      else undo.push(() => replaceFile(nodeFiles, target, before, mode));
      if (content === undefined) await files.rm(target);
      else await replaceFile(files, target, content, mode);
    } catch (error) {
      for (const step of undo.toReversed()) await step();
      const reason = error instanceof Error ? error.message : String(error);
      throw new CliError(`${path} could not be written, and nothing was changed: ${reason}`, {
        place: { file: path },
      });
    }
  }
}

async function replaceFile(
  files: FileWriter,
  target: string,
  content: string,
  mode: number | undefined,
): Promise<void> {
  const temporary = `${target}.${randomUUID()}.tmp`;
  try {
    await files.writeFile(temporary, content, mode === undefined ? {} : { mode });
    await files.rename(temporary, target);
  } catch (error) {
    await nodeFiles.rm(temporary, { force: true });
    throw error;
  }
}

/** Lists the folders on the way to this one that are missing, the innermost first. */
export async function missingFolders(
  folder: string,
  exists: (path: string) => Promise<boolean>,
  { dirname }: Pick<typeof nodePath, "dirname"> = nodePath,
): Promise<string[]> {
  const missing: string[] = [];
  for (let path = folder; !await exists(path); path = dirname(path)) {
    // A drive that is missing, which nobody can make.
    if (dirname(path) === path) break;
    missing.push(path);
  }
  return missing;
}

async function removeFolders(folders: readonly string[]): Promise<void> {
  for (const folder of folders) if (await exists(folder)) await nodeFiles.rmdir(folder);
}

async function exists(path: string): Promise<boolean> {
  return await nodeFiles.lstat(path).then(() => true, () => false);
}

/** Reads a text file; undefined if nothing has this path. */
async function readIfExists(file: string, path: string): Promise<string | undefined> {
  try {
    return await nodeFiles.readFile(file, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT") return undefined;
    const reason = code === "EISDIR"
      ? "is a folder"
      : code === "ENOTDIR"
      ? "lies below something that is a file"
      : `cannot be read (${String(code)})`;
    throw new CliError(`${path} ${reason}. Move it away, and run the command again.`, {
      place: { file: path },
    });
  }
}
