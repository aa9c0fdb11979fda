import { dirname } from "node:path";
import { type ChildCommand, ChildLines } from "../../support/processes/child_lines.ts";
import type { DenoBinary } from "../../support/processes/deno_binary.ts";
import { parseJsonLine } from "../../support/processes/json_line.ts";
import { denoEnvironment } from "../../support/processes/deno_command.ts";

/** Deno program that the bench measures. */
export interface Program {
  readonly name: string;
  readonly entry: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Program that starts on one Deno version without network access. */
export interface PreparedProgram {
  readonly name: string;
  readonly command: ChildCommand;
}

/**
 * Fills Deno's caches for a program, and pins its dependencies in a separate lockfile in
 * `directory`.
 * Every program and version has its own lockfile, because Deno 2.1 cannot read the lockfiles of
 * Deno 2.9. Without a lockfile, every start would search the cached npm listings.
 * @throws {Error} if the dependencies cannot be loaded
 */
export async function prepareProgram(
  program: Program,
  deno: DenoBinary,
  directory: string,
): Promise<PreparedProgram> {
  const env = { ...denoEnvironment(), ...program.env };
  const cwd = dirname(program.entry);
  const lock = `--lock=${directory}/${program.name}-${deno.version}.lock`;
  const { success, stderr } = await new Deno.Command(deno.path, {
    args: ["cache", "--quiet", lock, "--frozen=false", program.entry],
    cwd,
    env,
    clearEnv: true,
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) {
    throw new Error(`deno cache ${program.entry}: ${new TextDecoder().decode(stderr).slice(-1_000)}`);
  }
  const args = ["run", "--no-check", "-A", "--cached-only", lock, "--frozen", program.entry];
  return { name: program.name, command: { path: deno.path, args, cwd, env } };
}

/** Started program that listens. */
export interface RunningServer extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
}

const START_TIMEOUT_MS = 20_000;

/** Starts a program and waits for its `{"event":"listening","port":N}` line. */
export async function startServer({ name, command }: PreparedProgram): Promise<RunningServer> {
  const child = new ChildLines(command, { name });
  try {
    const port = await child.find(listeningPort, START_TIMEOUT_MS);
    return { pid: child.pid, port, [Symbol.asyncDispose]: () => child[Symbol.asyncDispose]() };
  } catch (error) {
    await child[Symbol.asyncDispose]();
    throw error;
  }
}

function listeningPort(line: string): number | undefined {
  const said = parseJsonLine(line);
  return said?.["event"] === "listening" && typeof said["port"] === "number" ? said["port"] : undefined;
}
