import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Ask } from "../ask.ts";
import { CliError } from "../cli_error.ts";
import { functionPath } from "./function_files.ts";
import { satisfies } from "./version.ts";

/** Name of the engine in import maps. */
export const ENGINE_NAME = "@realtime-edge/server";

/** A function of the project that uses the engine. */
export interface EngineFunction {
  readonly name: string;
  /** Path of its `deno.json` from the project's folder. */
  readonly file: string;
  readonly text: string;
  readonly imports: Readonly<Record<string, string>>;
}

/** A pin of a function that is not as the engine needs it. */
export interface PinProblem {
  readonly name: string;
  readonly found: string | undefined;
  readonly wanted: string;
}

/**
 * Finds the functions whose import map names the engine.
 * @throws {CliError} for a `deno.json` that names it and cannot be read
 */
export async function readEngineFunctions(root: string): Promise<EngineFunction[]> {
  const folders = await readdir(join(root, "supabase/functions"), { withFileTypes: true }).catch(() => []);
  const names = folders.filter((entry) => entry.isDirectory() && !entry.name.startsWith("_")).map((
    { name },
  ) => name);
  const functions = await Promise.all(
    names.sort().map(async (name) => {
      const file = `${functionPath(name)}/deno.json`;
      const text = await readFile(join(root, file), "utf8").catch(() => "");
      if (!text.includes(ENGINE_NAME)) return [];
      return [{ name, file, text, imports: importsOf(text, file) }];
    }),
  );
  return functions.flat().filter(({ imports }) => imports[ENGINE_NAME] !== undefined);
}

/**
 * Returns the function of this name, or else the only one that uses the engine. Asks which, if
 * there are several.
 * @throws {CliError} if there is none, or several and nobody to ask
 */
export async function chooseEngineFunction(
  root: string,
  given: string | undefined,
  ask?: Ask,
): Promise<string> {
  const names = (await readEngineFunctions(root)).map((one) => one.name);
  const [only, another] = names;
  if (only === undefined) throw new CliError("No function uses the engine. Run `realtime-edge init` first.");
  const name = given ?? (another && await ask?.(`Which function: ${names.join(", ")}?`, only));
  if (name !== undefined && !names.includes(name)) {
    throw new CliError(`--name: ${name} does not use the engine. Those that do: ${names.join(", ")}.`);
  }
  if (name === undefined && another) {
    throw new CliError(`Several functions use the engine. Name one with --name: ${names.join(", ")}.`);
  }
  return name ?? only;
}

/** Compares a function's pins with those of the package's template. */
export function findPinProblems(
  imports: Readonly<Record<string, string>>,
  wanted: Readonly<Record<string, string>>,
): PinProblem[] {
  return Object.entries(wanted).flatMap(([name, pin]) => {
    const found = imports[name];
    if (found === pin) return [];
    const [foundVersion, wantedVersion] = [versionOfPin(found), versionOfPin(pin)];
    // A later version of the same package is the project's choice.
    if (foundVersion && wantedVersion && satisfies(foundVersion, wantedVersion)) return [];
    return [{ name, found, wanted: pin }];
  });
}

/**
 * Writes pins into a `deno.json`. Every other byte stays.
 * @throws {CliError} naming a pin that has to be set by hand
 */
export function withPins(text: string, file: string, problems: readonly PinProblem[]): string {
  let edited = text;
  for (const { name, found, wanted } of problems) {
    edited = found === undefined
      // In front of the engine's own key: the Supabase CLI matches keys by prefix, in order.
      ? edited.replace(keyPattern(ENGINE_NAME), (whole, indent) => `${indent}"${name}": "${wanted}",${whole}`)
      : edited.replace(
        new RegExp(`(${keyPattern(name).source}\\s*:\\s*)"[^"]*"`),
        (_whole, key) => `${key}"${wanted}"`,
      );
    if (importsOf(edited, file)[name] !== wanted) {
      throw new CliError(
        `${file}: set "${name}" to "${wanted}" under "imports", and run the command again.`,
        {
          place: { file },
        },
      );
    }
  }
  return edited;
}

/**
 * A key at the beginning of its line, or behind another one; the group is what stands before it.
 */
function keyPattern(name: string): RegExp {
  return new RegExp(`((?:\\r?\\n)?[ \\t]*)"${name.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&")}"(?=\\s*:)`);
}

function versionOfPin(pin: string | undefined): string | undefined {
  return pin?.match(/^npm:\/?(?:@[^/]+\/)?[^@/]+@[\^~]?(\d[^/]*)\/?$/)?.[1];
}

function importsOf(text: string, file: string): Readonly<Record<string, string>> {
  try {
    const { imports } = JSON.parse(text.replace(/^\uFEFF/, ""));
    return typeof imports === "object" && imports !== null ? imports : {};
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliError(
      `${file} is not JSON without comments: ${reason}. Correct it, and run the command again.`,
      {
        place: { file },
      },
    );
  }
}
