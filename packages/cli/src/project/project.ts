import { readFile } from "node:fs/promises";
import * as nodePath from "node:path";
import { join, resolve } from "node:path";
import { CliError } from "../cli_error.ts";
import { CONFIG_PATH } from "./config_toml.ts";
import type { Migration } from "./migrations.ts";
import { readFolder } from "./package_assets.ts";

/** Folder of the vendored engine, from the project's folder. */
export const ENGINE_PATH = "supabase/functions/_shared/realtime-edge";
/** Folder of migrations, from the project's folder. */
export const MIGRATIONS_PATH = "supabase/migrations";

/** A Supabase project on disk. */
export interface Project {
  /** Absolute path of the folder that holds `supabase/`. */
  readonly root: string;
  readonly config: string;
  readonly migrations: readonly Migration[];
}

/**
 * Reads the project in a folder, or in the folder above if this one is `supabase` itself.
 * @throws {CliError} if there is no configuration
 */
export async function readProject(folder: string): Promise<Project> {
  const given = resolve(folder);
  for (const root of possibleRoots(given)) {
    const bytes = await readFile(join(root, CONFIG_PATH)).catch(() => undefined);
    if (bytes === undefined) continue;
    const config = decode(bytes);
    const files = await readFolder(join(root, MIGRATIONS_PATH));
    return { root, config, migrations: [...files].map(([file, text]) => ({ file, text })) };
  }
  throw new CliError(
    `${given} is no Supabase project: it has no ${CONFIG_PATH}. ` +
      "Run `npx supabase@3.1.0 init` there first, or name the project's folder with --dir.",
  );
}

/**
 * Folders that may hold `supabase/`: the given one, and the one above if this is `supabase` itself.
 */
export function possibleRoots(
  given: string,
  { basename, dirname }: Pick<typeof nodePath, "basename" | "dirname"> = nodePath,
): string[] {
  return basename(given) === "supabase" ? [given, dirname(given)] : [given];
}

/**
 * Decodes the configuration with every byte, a byte order mark too, so that it can be written back.
 */
function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new CliError(`${CONFIG_PATH} is not UTF-8. Save it as UTF-8, and run the command again.`, {
      place: { file: CONFIG_PATH },
    });
  }
}
