import { deadline } from "@std/async";

/** A first run downloads the package. */
const DOWNLOAD_MS = 300_000;

/** How a command is run. */
export interface RunOptions {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Whether the command sees `env` only, and nothing of our own environment. Default: false. */
  readonly clearEnv?: boolean;
  readonly cwd?: string;
  readonly timeoutMs: number;
}

/** What a command that ran to its end said. */
export interface RunResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a command to its end.
 * @throws {DOMException} named TimeoutError when it takes longer than `timeoutMs`; the process is ended
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
 * Runs a command that has to succeed, and returns what it wrote to stdout, without blanks around it.
 * @throws {Error} when its exit code is not 0
 */
export async function runOrThrow(command: string, options: RunOptions): Promise<string> {
  const { code, stdout, stderr } = await run(command, options);
  if (code !== 0) throw new Error(`${command} ${options.args.join(" ")}: exit ${code}\n${stdout}${stderr}`);
  return stdout.trim();
}

/**
 * Returns the path of a command that an npm package brings, such as `supabase` of `supabase@3.1.0`; npx downloads the package
 * where it is not in npm's cache yet. The path is what we run, because npx itself needs the user's home directory, while the
 * command must not see it.
 */
export async function locateNpmCommand(spec: string, name: string): Promise<string> {
  const args = ["-y", `--package=${spec}`, "-c", `command -v ${name}`];
  return await runOrThrow("npx", { args, timeoutMs: DOWNLOAD_MS });
}

/** Returns the path of the `deno` program itself: npm's `deno` command is a script whose child would survive its end. */
export async function locateDeno(version: string): Promise<string> {
  // Without --no-lock it looks at the lock file of the project it is started in, which a newer Deno may have written.
  const args = ["-y", `deno@${version}`, "eval", "--no-lock", "console.log(Deno.execPath())"];
  return await runOrThrow("npx", { args, timeoutMs: DOWNLOAD_MS });
}
