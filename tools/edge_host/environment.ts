/** What Deno itself needs to find its cache, its packages and the network; the function sees these too. */
const OF_DENO = [
  "PATH",
  "HOME",
  "TMPDIR",
  "DENO_DIR",
  "DENO_CERT",
  "DENO_TLS_CA_STORE",
  "NPM_CONFIG_REGISTRY",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "NO_PROXY",
];

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
  const env: Record<string, string> = {};
  for (const variable of OF_DENO) {
    const value = Deno.env.get(variable);
    if (value !== undefined) env[variable] = value;
  }
  return {
    ...env,
    NO_COLOR: "1",
    DENO_NO_UPDATE_CHECK: "1",
    SB_REGION: region,
    DENO_DEPLOYMENT_ID: `local_${name}_1`,
    ...given,
  };
}

/** Reads `NAME=value` lines; quotes around a value are taken off, `#` begins a comment line. @throws {Error} naming the line that is none */
export function parseEnvFile(text: string): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const [, name, value = ""] = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$/.exec(line) ??
      [];
    if (name === undefined) throw new Error(`Line ${at + 1} of the environment file is not NAME=value`);
    env[name] = /^"(.*)"$/.exec(value)?.[1]?.replaceAll("\\n", "\n") ?? /^'(.*)'$/.exec(value)?.[1] ?? value;
  }
  return env;
}
