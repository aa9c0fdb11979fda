import type { WantedFile } from "./change_set.ts";
import { ENGINE_PATH } from "./project.ts";

/**
 * The vendored engine as the package has it. Files there that it does not have are removed: the
 * folder belongs to the package.
 */
export function engineFiles(
  engine: ReadonlyMap<string, string>,
  vendored: ReadonlyMap<string, string>,
): WantedFile[] {
  const wanted = [...engine].map(([path, content]) => ({ path: `${ENGINE_PATH}/${path}`, content }));
  const left = [...vendored.keys()].filter((path) => !engine.has(path));
  return [...wanted, ...left.map((path) => ({ path: `${ENGINE_PATH}/${path}`, content: undefined }))];
}
