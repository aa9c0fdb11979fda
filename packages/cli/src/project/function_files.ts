import { usageError } from "../cli_error.ts";
import type { WantedFile } from "./change_set.ts";

/** Folder of a function, from the project's folder. */
export function functionPath(name: string): string {
  return `supabase/functions/${name}`;
}

/**
 * Checks the name of a function, which is part of its address.
 * @throws {CliError} if the Supabase CLI would refuse it
 */
export function checkFunctionName(name: string): void {
  if (/^[A-Za-z][A-Za-z0-9_-]*$/.test(name)) return;
  throw usageError(`--name: "${name}" is no function's name. Use letters, digits, - and _, a letter first.`);
}

/** Makes the user's files of a function from the package's template. */
export function functionFiles(template: ReadonlyMap<string, string>, name: string): WantedFile[] {
  return [...template].map(([path, text]) => ({
    path: `${functionPath(name)}/${path}`,
    content: text
      .replaceAll(functionPath("realtime"), functionPath(name))
      .replace("realtime({ authenticate })", appOptions(name)),
  }));
}

/** The engine's paths begin with the function's name; `/realtime` is its default. */
function appOptions(name: string): string {
  return name === "realtime"
    ? "realtime({ authenticate })"
    : `realtime({ basePath: "/${name}", authenticate })`;
}
