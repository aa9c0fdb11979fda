/**
 * Runs schemathesis against the function: requests made from the OpenAPI document, valid and invalid
 * ones, as a user and with a secret key. A fixed seed makes the requests the same in each run.
 *
 *   pip install schemathesis==4.32.5
 *   deno run -A --frozen tests/http/schemathesis/run.ts [path to schemathesis]
 */
import { createIssuer } from "../../../packages/cli/dev/issuer.ts";
import { startFunctionProcess } from "../../../tools/support/processes/function_process.ts";

const SECRET_KEY = "sb_secret_of_this_run";
const SECRET_KEY_OPERATIONS = ["getMetrics", "publishMessage", "listRooms", "kick", "disconnect"];

const OPTIONS: readonly string[] = [
  ["--config-file", new URL("schemathesis.toml", import.meta.url).pathname],
  ["run"],
  ["--seed", "1"],
  ["--max-examples", "20"],
  ["--phases", "examples,coverage,fuzzing"],
  ["--request-timeout", "10"],
  ["--no-shrink"],
  // Sockets answer 101, which schemathesis takes for a server error.
  ["--exclude-tag", "sockets"],
  // The stream does not end.
  ["--exclude-operation-id", "streamEvents"],
].flat();

const [schemathesis = "schemathesis"] = Deno.args;
const issuer = await createIssuer();
await using running = await startFunctionProcess({
  env: {
    SUPABASE_JWKS: JSON.stringify(issuer.jwks),
    SUPABASE_SECRET_KEYS: JSON.stringify({ default: SECRET_KEY }),
  },
});

/** Runs schemathesis without some checks, with more options; returns its exit code. */
async function run(excludedChecks: readonly string[], ...options: readonly string[]): Promise<number> {
  const location = `http://127.0.0.1:${running.port}/realtime/openapi.json`;
  // A folder of its own: schemathesis keeps failures there and repeats them in the next run.
  const cwd = await Deno.makeTempDir();
  try {
    const args = [...OPTIONS, "--exclude-checks", excludedChecks.join(","), ...options, location];
    return (await new Deno.Command(schemathesis, { args, cwd }).spawn().status).code;
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
}

/** OpenAPI cannot say that `after` and `before` exclude each other. */
const VALID_IS_ACCEPTED = "positive_data_acceptance";
/** A bad message of an array has its own error; the array is answered with 200 (rule 16.3). */
const INVALID_IS_REFUSED = "negative_data_rejection";

const codes = [
  await run(
    [VALID_IS_ACCEPTED],
    "-H",
    `Authorization: Bearer ${await issuer.token("alice")}`,
    "--exclude-operation-id",
    "getMetrics",
  ),
  await run(
    [VALID_IS_ACCEPTED, INVALID_IS_REFUSED],
    "-H",
    `apikey: ${SECRET_KEY}`,
    ...SECRET_KEY_OPERATIONS.flatMap((id) => ["--include-operation-id", id]),
  ),
];
Deno.exitCode = Math.max(...codes);
