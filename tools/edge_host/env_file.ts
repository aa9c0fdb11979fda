/**
 * Parses `NAME=value` lines; removes quotes around a value and skips `#` comment lines.
 * @throws {Error} naming an invalid line
 */
export function parseEnvFile(text: string): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const [, name, value = ""] = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$/.exec(line) ??
      [];
    if (name === undefined) {
      throw new Error(`Line ${at + 1} of the environment file is not NAME=value or a # comment`);
    }
    env[name] = /^"(.*)"$/.exec(value)?.[1]?.replaceAll("\\n", "\n") ?? /^'(.*)'$/.exec(value)?.[1] ?? value;
  }
  return env;
}
