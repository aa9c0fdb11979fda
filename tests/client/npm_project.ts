import { fileURLToPath } from "node:url";
import { assertEquals } from "@std/assert";
import { run, runOrThrow } from "../support/deploy/npm_tool.ts";

/** A first install downloads; npm keeps what it has. */
const INSTALL_MS = 300_000;
const COMPILE_MS = 120_000;
/** Without a network it says so, and does not go on trying for minutes. */
const GIVE_UP_SOON = ["--fetch-retries=1", "--fetch-timeout=60000"];

/**
 * Reads the version of a package in deno.json, such as `8.23.0` of `ws`.
 * @throws {Error} if there is none
 */
export async function importedVersion(name: string): Promise<string> {
  const { imports } = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));
  const version = String(imports[name]).match(/^npm:(?:.+)@([\d.]+)$/)?.[1];
  if (version === undefined) throw new Error(`deno.json imports no version of ${name}.`);
  return version;
}

/**
 * Turns a folder into an npm project of ES modules with packages.
 * @throws {Error} with npm's output
 */
export async function installPackages(folder: URL, specs: readonly string[]): Promise<void> {
  await Deno.writeTextFile(
    new URL("package.json", folder),
    JSON.stringify({ name: "consumer", private: true, type: "module" }),
  );
  await runOrThrow("npm", {
    args: [
      "install",
      "--no-audit",
      "--no-fund",
      "--ignore-scripts",
      "--prefer-offline",
      ...GIVE_UP_SOON,
      ...specs,
    ],
    cwd: fileURLToPath(folder),
    timeoutMs: INSTALL_MS,
  });
}

/** Runs the TypeScript that a project has installed; returns what it said, one message a line. */
export async function compileProject(folder: URL, config: string): Promise<string[]> {
  const { code, stdout, stderr } = await run("node", {
    args: ["node_modules/typescript/bin/tsc", "-p", config],
    cwd: fileURLToPath(folder),
    timeoutMs: COMPILE_MS,
  });
  const lines = (stdout + stderr).split("\n").filter((line) => line !== "");
  assertEquals(lines.length === 0, code === 0, `tsc ended with ${code}`);
  return lines;
}
