import type { ManagementApi } from "./management_api.ts";
import { locateNpmCommand, run } from "./npm_tool.ts";

/** Version of the CLI that docs/deploy.md names. */
export const CLI_VERSION = "3.1.0";

/** Reference of a project that does not exist. */
export const PROJECT_REF = "abcdefghijklmnopqrst";

const COMMAND_MS = 60_000;

/** Function and target of a deployment. */
export interface DeployOptions {
  readonly functionName: string;
  /** Directory that contains `supabase/`. */
  readonly projectDirectory: string;
  /** Empty home directory of the CLI, which must not touch the user's files. */
  readonly home: string;
  readonly api: ManagementApi;
}

/**
 * Deploys a function with the real CLI, `supabase functions deploy --use-api`, to a management API
 * on loopback. Sends nothing to other hosts.
 * @returns the CLI's output, line by line
 * @throws {Error} with the CLI's output when it fails
 */
export async function deployWithCli(options: DeployOptions): Promise<readonly string[]> {
  const { functionName, projectDirectory, home, api } = options;
  const profile = `${home}/loopback.yml`;
  await Deno.writeTextFile(profile, profileFor(api.url));
  return await runSupabaseCli({
    args: [
      ...["functions", "deploy", functionName, "--use-api"],
      ...[`--remote=${PROJECT_REF}`, "--yes", "--profile", profile, "--workdir", projectDirectory],
    ],
    home,
    env: { SUPABASE_ACCESS_TOKEN: api.accessToken },
  });
}

/** A command line of the CLI. */
export interface SupabaseCommand {
  readonly args: readonly string[];
  readonly cwd?: string;
  /** Home directory of the CLI, which must not touch the user's files. */
  readonly home: string;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs the real CLI, without calls to other hosts of its own accord.
 * @returns the CLI's output, line by line
 * @throws {Error} with the CLI's output when it fails
 */
export async function runSupabaseCli({ args, cwd, home, env }: SupabaseCommand): Promise<readonly string[]> {
  const cli = await locateNpmCommand(`supabase@${CLI_VERSION}`, "supabase");
  const result = await run(cli, {
    args,
    ...cwd === undefined ? {} : { cwd },
    clearEnv: true,
    env: {
      PATH: Deno.env.get("PATH") ?? "",
      HOME: home,
      SUPABASE_NO_KEYRING: "1",
      // These prevent calls to PostHog and GitHub. The CLI accepts "1" and ignores "true".
      SUPABASE_TELEMETRY_DISABLED: "1",
      DO_NOT_TRACK: "1",
      SUPABASE_NO_UPDATE_NOTIFIER: "1",
      ...env,
    },
    timeoutMs: COMMAND_MS,
  });
  const output = result.stdout + result.stderr;
  if (result.code !== 0) throw new Error(`supabase ${args.join(" ")}: exit ${result.code}\n${output}`);
  return output.split("\n").filter((line) => line);
}

function profileFor(url: string): string {
  return [
    "name: loopback",
    `api_url: ${url}`,
    `dashboard_url: ${url}`,
    `docs_url: ${url}`,
    "project_host: localhost",
    "",
  ].join("\n");
}
