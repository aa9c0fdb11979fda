import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Issuer } from "../../dev/issuer.ts";
import { loadIssuer } from "../../dev/issuer_key_file.ts";

/** Folder of what the command keeps in a project, from its folder; Git ignores it. */
export const STATE_PATH = ".realtime-edge";

/** Makes the folder, which ignores itself, and returns its path. */
export async function openStateFolder(root: string): Promise<string> {
  const folder = join(root, STATE_PATH);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, ".gitignore"), "*\n");
  return folder;
}

/** Loads the project's dev issuer; the first time makes its key. */
export async function loadDevIssuer(root: string): Promise<Issuer> {
  return await loadIssuer(pathToFileURL(join(await openStateFolder(root), "issuer_key.json")));
}
