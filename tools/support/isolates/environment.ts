import { denoEnvironment } from "../processes/deno_command.ts";

/**
 * Variables for Deno's network access. The function sees them too, like the variables of Deno's
 * caches.
 */
const PROXIES = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"];

/** Identity of the function. */
interface Deployment {
  readonly name: string;
  /** Value of `SB_REGION`. */
  readonly region: string;
}

/**
 * Environment of a worker, without `SB_EXECUTION_ID`, which each isolate adds: Deno's variables,
 * the host's, and `given`, which overrides both.
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
