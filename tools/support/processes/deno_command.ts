import type { ChildCommand } from "./child_lines.ts";

const PROJECT = new URL("../../../", import.meta.url);
/** Variables for Deno's caches, packages and certificates; none configures the function. */
const DENO_VARIABLES = [
  "PATH",
  "HOME",
  "TMPDIR",
  "DENO_DIR",
  "DENO_CERT",
  "DENO_TLS_CA_STORE",
  "XDG_CACHE_HOME",
  "NPM_CONFIG_REGISTRY",
];

/** Environment in which a child finds Deno's caches. */
export function denoEnvironment(): Record<string, string> {
  const env: Record<string, string> = {
    DENO_NO_UPDATE_CHECK: "1",
    DENO_TLS_CA_STORE: "system",
    NO_COLOR: "1",
  };
  for (const name of DENO_VARIABLES) {
    const value = Deno.env.get(name);
    if (value !== undefined) env[name] = value;
  }
  return env;
}

/** Command that runs a program of this project with this process' Deno. */
export function projectCommand(entry: URL, args: readonly string[] = []): ChildCommand {
  return {
    path: Deno.execPath(),
    args: ["run", "-A", "--no-check", "--frozen", entry.href, ...args],
    cwd: PROJECT.pathname,
    env: denoEnvironment(),
  };
}
