/** Native Deno binary of a version. */
export interface DenoBinary {
  readonly version: string;
  readonly path: string;
}

/**
 * Resolves the native binary of a Deno version through npm, so that npx's own process is not
 * measured.
 * @throws {Error} if npx fails or returns another version
 */
export async function resolveDeno(version: string): Promise<DenoBinary> {
  const script = "console.log(JSON.stringify({ version: Deno.version.deno, path: Deno.execPath() }))";
  const { success, stdout, stderr } = await new Deno.Command("npx", {
    args: ["-y", `deno@${version}`, "eval", script],
    cwd: "/tmp", // away from this repository's configuration
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`npx could not run deno@${version}: ${decoder.decode(stderr).slice(-500)}`);
  const found: unknown = JSON.parse(decoder.decode(stdout).trim().split("\n").at(-1) ?? "");
  if (
    typeof found !== "object" || found === null || !("version" in found) || found.version !== version ||
    !("path" in found) || typeof found.path !== "string"
  ) {
    throw new Error(`npx returned another Deno than ${version}: ${JSON.stringify(found)}`);
  }
  return { version, path: found.path };
}
