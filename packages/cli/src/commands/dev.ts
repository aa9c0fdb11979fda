import { type ChildProcess, execFile, spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { CliError, EXIT, usageError } from "../cli_error.ts";
import { readEnvFile } from "../doctor/check_variables.ts";
import { functionPath } from "../project/function_files.ts";
import { chooseEngineFunction } from "../project/function_pins.ts";
import { readProject } from "../project/project.ts";
import { openStateFolder } from "../project/state_folder.ts";
import type { Report } from "../report.ts";

/** Version of Deno that runs the function; npm has it. */
const DENO = "deno@2.9.6";

/** Options of `dev`. */
export interface DevOptions {
  readonly dir: string;
  readonly name: string | undefined;
  readonly port: string;
  readonly postgres: string | undefined;
  readonly redis: string | undefined;
  /** Folder of this package. */
  readonly packageFolder: string;
}

/**
 * Serves the project's function with a token issuer and the playground, until a signal ends it.
 * Starts again when a file of the function changes.
 * @throws {CliError} if there is no function, or no Deno
 */
export async function dev(options: DevOptions): Promise<Report> {
  if (!/^\d{1,5}$/.test(options.port) || Number(options.port) > 65_535) {
    throw usageError(`--port: "${options.port}" is no port. Use 0 to 65535; 0 takes a free one.`);
  }
  const project = await readProject(options.dir);
  const name = await chooseEngineFunction(project.root, options.name);
  const folder = await openStateFolder(project.root);
  const entry = join(folder, "dev_entry.ts");
  await writeFile(entry, entrySource(name, folder, options.packageFolder));
  const config = join(project.root, functionPath(name), "deno.json");
  const secrets = await readEnvFile(project, undefined);
  const child = spawn(await locateDeno(), [
    ...["run", "-A", "--watch", "--no-clear-screen", "--no-lock", "--node-modules-dir=none"],
    ...["--config", config, entry],
  ], {
    cwd: project.root,
    stdio: "inherit",
    env: {
      ...secrets?.values,
      ...process.env,
      PORT: options.port,
      ...storeVariables(options),
    },
  });
  const code = await endOf(child);
  return {
    exitCode: code === 0 ? EXIT.done : EXIT.problem,
    text: "",
    json: { command: "dev", ok: code === 0 },
  };
}

/**
 * Variables of the stores that were named. Rooms are kept there, whatever the project's own
 * variables say; with both, in Redis.
 */
function storeVariables({ postgres, redis }: DevOptions): Record<string, string> {
  return {
    ...postgres === undefined ? {} : { SUPABASE_DB_URL: postgres, BACKPLANE: "postgres" },
    ...redis === undefined ? {} : { REDIS_URL: redis, BACKPLANE: "redis" },
  };
}

/** The module that Deno runs: static imports, so that a change of any of them starts it again. */
function entrySource(name: string, folder: string, packageFolder: string): string {
  const server = pathToFileURL(join(packageFolder, "dev", "project_server.js")).href;
  return [
    "// Written by `realtime-edge dev` at each start.",
    'import { createServer } from "@realtime-edge/server";',
    `import { app } from "../${functionPath(name)}/app.ts";`,
    `import { serveProject } from ${JSON.stringify(server)};`,
    "",
    "await serveProject({",
    "  app,",
    "  createServer,",
    `  name: ${JSON.stringify(name)},`,
    `  keyFile: ${JSON.stringify(join(folder, "issuer_key.json"))},`,
    "});",
    "",
  ].join("\n");
}

/**
 * Finds Deno's own program, which npm downloads at the first time. npm's command of that name is a
 * script, and what it starts would outlive it.
 */
async function locateDeno(): Promise<string> {
  const isWindows = process.platform === "win32";
  try {
    const { stdout } = await promisify(execFile)(
      isWindows ? "npx.cmd" : "npx",
      ["-y", DENO, "eval", "--no-config", "--no-lock", "console.log(Deno.execPath())"],
      // npx.cmd is a script, which Node runs in a shell only: it joins the arguments with blanks.
      isWindows ? { shell: true } : {},
    );
    return stdout.trim();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliError(`npx could not get ${DENO}: ${reason}. Check that npm reaches its registry.`);
  }
}

/** Passes signals on, and waits for the end. */
async function endOf(child: ChildProcess): Promise<number> {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const pass = (signal: NodeJS.Signals) => void child.kill(signal);
  for (const signal of signals) process.on(signal, pass);
  try {
    return await new Promise((resolve, reject) => {
      child.on("error", reject);
      // A signal is how a dev server ends.
      child.on("exit", (code, signal) => resolve(signal === null && code !== 130 ? code ?? 0 : 0));
    });
  } finally {
    for (const signal of signals) process.off(signal, pass);
  }
}
