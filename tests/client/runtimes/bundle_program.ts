import { fileURLToPath } from "node:url";
import { bundle, stopBundling } from "../../../packages/cli/dev/bundle.ts";

/**
 * Bundles a program of this folder into another folder and returns its path. Packages stay imports.
 */
export async function bundleProgram(name: string, folder: URL): Promise<string> {
  const entry = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
  const files = await bundle({ entries: { [name]: entry }, external: ["ws", "node:*"] });
  await stopBundling();
  const target = new URL(`${name}.mjs`, folder);
  await Deno.writeTextFile(target, files.map(({ text }) => text).join("\n"));
  return fileURLToPath(target);
}
