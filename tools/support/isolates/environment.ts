import { denoEnvironment } from "../processes/deno_command.ts";

/** Variables for Deno's network access; the function sees them too, as it does those that Deno's caches need. */
const PROXIES = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"];

/** Who the function is. */
export interface Deployment {
  readonly name: string;
  /** `SB_REGION`. */
  readonly region: string;
}

/**
 * The environment of a worker, `SB_EXECUTION_ID` apart, which is each isolate's own: what Deno needs of this process' environment, what the
 * host says of itself, and `given`, which wins.
 */
export function workerEnvironment(
  { name, region }: Deployment,
  given: Readonly<Record<string, string>>,
): Record<string, string> {
  const env = denoEnvironment();
  for (const variable of PROXIES) {
    const value = Deno.env.get(variable);
    if (value !== undefined) env[variable] = value;
  }
  return {
    ...env,
    SB_REGION: region,
    DENO_DEPLOYMENT_ID: `local_${name}_1`,
    ...given,
  };
}
