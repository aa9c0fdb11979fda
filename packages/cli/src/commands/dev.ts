import { type ChildProcess, exec, execFile, spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import type { Ask } from "../ask.ts";
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
  readonly ask: Ask | undefined;
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
  const name = await chooseEngineFunction(project.root, options.name, options.ask);
  const folder = await openStateFolder(project.root);
  const entry = join(folder, "dev_entry.ts");
  const server = pathToFileURL(join(options.packageFolder, "dev", "project_server.js"));
  await writeFile(entry, entrySource(name, server, join(folder, "issuer_key.json")));
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
export function entrySource(name: string, server: URL, keyFile: string): string {
  return [
    "// Written by `realtime-edge dev` at each start.",
    'import { createServer } from "@realtime-edge/server";',
    `import { app } from "../${functionPath(name)}/app.ts";`,
    `import { serveProject } from ${JSON.stringify(server.href)};`,
    "",
    "await serveProject({",
    "  app,",
    "  createServer,",
    `  name: ${JSON.stringify(name)},`,
    `  keyFile: ${JSON.stringify(keyFile)},`,
    "});",
    "",
  ].join("\n");
}

/**
 * Finds Deno's own program, which npm downloads at the first time. npm's command of that name is a
 * script, and what it starts would outlive it.
 */
async function locateDeno(): Promise<string> {
  const args = ["-y", DENO, "eval", "--no-config", "--no-lock", "console.log(Deno.execPath())"];
  try {
    // On Windows npx is a script, which Node runs in a shell only.
    const { stdout } = process.platform === "win32"
      ? await promisify(exec)(["npx.cmd", ...args].join(" "))
      : await promisify(execFile)("npx", args);
    return stdout.trim();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliError(`npx could not get ${DENO}: ${reason}. Check that npm reaches its registry.`);
  }
}

/** Exit codes after Ctrl-C, which is how a dev server ends: of a shell, and of Windows. */
const BY_CTRL_C: ReadonlySet<number | null> = new Set([130, 0xc000_013a]);

/** Passes signals on, and waits for the end. */
async function endOf(child: ChildProcess): Promise<number> {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const pass = (signal: NodeJS.Signals) => void child.kill(signal);
  for (const signal of signals) process.on(signal, pass);
  try {
    return await new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("exit", (code, signal) => resolve(signal === null && !BY_CTRL_C.has(code) ? code ?? 0 : 0));
    });
  } finally {
    for (const signal of signals) process.off(signal, pass);
  }
}
