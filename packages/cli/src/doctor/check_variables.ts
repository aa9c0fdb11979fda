import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { ConfigError, parseConfig } from "../../../server/src/config/parse_config.ts";
import { CliError } from "../cli_error.ts";
import type { Project } from "../project/project.ts";
import { type Finding, ok, problem, skipped } from "./finding.ts";

const CHECK = "variables";
/** The file that `supabase functions serve` reads, and that `supabase secrets set` may be given. */
const DEFAULT_FILE = "supabase/functions/.env";
/** Stand-ins for what the host gives to the function, and a project's file therefore lacks. */
const GIVEN_BY_HOST: Readonly<Record<string, string>> = {
  SUPABASE_URL: "https://project.supabase.co",
  SUPABASE_ANON_KEY: "anon",
  SUPABASE_DB_URL: "postgres://project/postgres",
};

/** Variables of a file; undefined if there is no file. */
export interface EnvFile {
  readonly file: string;
  readonly values: Readonly<Record<string, string>>;
}

/**
 * Reads the variables that the project sets for its functions.
 * @throws {CliError} if a file was named and cannot be read
 */
export async function readEnvFile(project: Project, named: string | undefined): Promise<EnvFile | undefined> {
  const file = named ?? DEFAULT_FILE;
  try {
    return { file, values: parseEnvText(await readFile(resolve(project.root, file), "utf8")) };
  } catch {
    if (named === undefined) return undefined;
    throw new CliError(`--env-file: ${named} cannot be read. Name a file of lines like NAME=value.`);
  }
}

/** Checks each variable as the function does at its start. Values are not shown. */
export function checkVariables(env: EnvFile | undefined): Finding[] {
  if (!env) {
    return [skipped(CHECK, `there is no ${DEFAULT_FILE}`, "name the file of your secrets with --env-file")];
  }
  const { file, values } = env;
  const fix = `correct it in ${file}, and run \`npx supabase@3.1.0 secrets set --env-file ${file}\``;
  const findings: Finding[] = [];
  try {
    const { BACKPLANE } = parseConfig((name) => values[name] ?? GIVEN_BY_HOST[name]);
    if (BACKPLANE === "memory") {
      findings.push(
        problem(
          CHECK,
          "BACKPLANE is memory: Supabase runs several isolates, and each has rooms of its own",
          `remove BACKPLANE from ${file}: auto takes the project's database`,
        ),
      );
    }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    findings.push(...error.message.split("\n").map((line) => problem(CHECK, line, fix)));
  }
  return findings.length > 0 ? findings : [ok(CHECK, `${file} is right`)];
}

/** Parses lines like `NAME=value`, with or without quotes; a comment begins with `#`. */
function parseEnvText(text: string): Record<string, string> {
  const values: Record<string, string> = {};
  for (
    const [, name = "", raw = ""] of text.matchAll(/^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*=(.*)$/gm)
  ) {
    const quoted = /^\s*(["'`])(.*)\1\s*(#.*)?$/.exec(raw);
    values[name] = quoted?.[2] ?? raw.replace(/\s+#.*$/, "").trim();
  }
  return values;
}
