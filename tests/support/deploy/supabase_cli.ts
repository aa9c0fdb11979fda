import type { ManagementApi } from "./management_api.ts";
import { locateNpmCommand, run } from "./npm_tool.ts";

/** The version of the CLI that docs/deploy.md names. */
export const CLI_VERSION = "3.1.0";

/** A project that exists nowhere. */
export const PROJECT_REF = "abcdefghijklmnopqrst";

const DEPLOY_MS = 60_000;

/** What is deployed, and where to. */
export interface DeployOptions {
  readonly functionName: string;
  /** The directory that holds `supabase/`. */
  readonly projectDirectory: string;
  /** An empty directory: the CLI's home, so that nothing of the user's is read or written. */
  readonly home: string;
  readonly api: ManagementApi;
}

/**
 * Deploys a function with the real CLI, `supabase functions deploy --use-api`, to a management API on loopback. It sends
 * nothing anywhere else.
 * @returns what the CLI wrote, line by line
 * @throws {Error} when it fails; the message holds what it wrote
 */
export async function deployWithCli(options: DeployOptions): Promise<readonly string[]> {
  const { functionName, projectDirectory, home, api } = options;
  const cli = await locateNpmCommand(`supabase@${CLI_VERSION}`, "supabase");
  const profile = `${home}/loopback.yml`;
  await Deno.writeTextFile(profile, profileFor(api.url));
  const result = await run(cli, {
    args: [
      ...["functions", "deploy", functionName, "--use-api"],
      ...[`--remote=${PROJECT_REF}`, "--yes", "--profile", profile, "--workdir", projectDirectory],
    ],
    clearEnv: true,
    env: {
      PATH: Deno.env.get("PATH") ?? "",
      HOME: home,
      SUPABASE_ACCESS_TOKEN: api.accessToken,
      SUPABASE_NO_KEYRING: "1",
      // These keep it from calling PostHog and GitHub. It wants "1", and takes "true" for not set.
      SUPABASE_TELEMETRY_DISABLED: "1",
      DO_NOT_TRACK: "1",
      SUPABASE_NO_UPDATE_NOTIFIER: "1",
    },
    timeoutMs: DEPLOY_MS,
  });
  const output = result.stdout + result.stderr;
  if (result.code !== 0) throw new Error(`supabase functions deploy: exit ${result.code}\n${output}`);
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
