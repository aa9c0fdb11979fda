import { deadline } from "@std/async";

/** Limit of a first run, which downloads the package. */
const DOWNLOAD_MS = 300_000;

/** Options of a command. */
export interface RunOptions {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** True to pass only `env`, without the test's own environment. Default: false. */
  readonly clearEnv?: boolean;
  readonly cwd?: string;
  readonly timeoutMs: number;
}

/** Exit code and output of a finished command. */
export interface RunResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a command to its end.
 * @throws {DOMException} TimeoutError after `timeoutMs`; the process is ended
 */
export async function run(command: string, { args, timeoutMs, ...options }: RunOptions): Promise<RunResult> {
  const child = new Deno.Command(command, {
    ...options,
    args: [...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let ended = false;
  const output = child.output().finally(() => ended = true);
  try {
    const { code, stdout, stderr } = await deadline(output, timeoutMs);
    return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
  } finally {
    if (!ended) {
      child.kill("SIGTERM");
      await output;
    }
  }
}

/**
 * Runs a command and returns its trimmed stdout.
 * @throws {Error} when its exit code is not 0
 */
export async function runOrThrow(command: string, options: RunOptions): Promise<string> {
  const { code, stdout, stderr } = await run(command, options);
  if (code !== 0) throw new Error(`${command} ${options.args.join(" ")}: exit ${code}\n${stdout}${stderr}`);
  return stdout.trim();
}

/**
 * Finds the path of an npm package's command, such as `supabase` of `supabase@3.1.0`; npx downloads
 * a package that is not cached. Tests run the path, because npx needs the user's home directory and
 * the command must not see it.
 */
export async function locateNpmCommand(spec: string, name: string): Promise<string> {
  const args = ["-y", `--package=${spec}`, "-c", `command -v ${name}`];
  return await runOrThrow("npx", { args, timeoutMs: DOWNLOAD_MS });
}

/** Finds the path of the `deno` binary: npm's command is a script whose child would survive it. */
export async function locateDeno(version: string): Promise<string> {
  // Without --no-lock it reads the project's lock file, which a newer Deno may have written.
  const args = ["-y", `deno@${version}`, "eval", "--no-lock", "console.log(Deno.execPath())"];
  return await runOrThrow("npx", { args, timeoutMs: DOWNLOAD_MS });
}
