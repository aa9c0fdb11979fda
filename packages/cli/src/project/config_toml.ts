import { isDeepStrictEqual } from "node:util";
import { parse, TomlError, type TomlTable } from "smol-toml";
import { CliError } from "../cli_error.ts";

/** Path of the Supabase CLI's configuration. */
export const CONFIG_PATH = "supabase/config.toml";

/** Functions in the configuration, as far as they are read. */
export interface FunctionConfig {
  /** Undefined if it is not set: the platform then checks tokens. */
  readonly verifyJwt: boolean | undefined;
}

/**
 * Parses the configuration.
 * @throws {CliError} with file and line
 */
export function parseConfig(text: string): TomlTable {
  try {
    return parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [reason] = error.message.replace(/^Invalid TOML document: /, "").split("\n");
    throw new CliError(
      `${CONFIG_PATH}:${error.line}: ${reason}. Correct this line; nothing was changed.`,
      { place: { file: CONFIG_PATH, line: error.line } },
    );
  }
}

/** Reads a function's table; undefined if there is none. */
export function functionConfig(config: TomlTable, name: string): FunctionConfig | undefined {
  const table = tableOf(tableOf(config["functions"])?.[name]);
  if (!table) return undefined;
  const value = table["verify_jwt"];
  return { verifyJwt: typeof value === "boolean" ? value : undefined };
}

/**
 * Turns the platform's token check off for a function, which browsers cannot pass. Every other byte
 * stays.
 * @throws {CliError} if the table is written in a way that only a person can change
 */
export function withoutVerifyJwt(text: string, name: string): string {
  const before = parseConfig(text);
  if (functionConfig(before, name)?.verifyJwt === false) return text;
  const expected = parseConfig(text);
  const functions = tableOf(expected["functions"]) ?? (expected["functions"] = {});
  const table = tableOf(functions[name]) ?? (functions[name] = {});
  table["verify_jwt"] = false;
  for (
    const edited of [withValueReplaced(text, name), withLineAdded(text, name), withTableAdded(text, name)]
  ) {
    if (edited !== undefined && isSame(edited, expected)) return edited;
  }
  throw new CliError(
    `${CONFIG_PATH} sets \`functions.${name}\` in a form that is not edited for you. ` +
      `Set \`verify_jwt = false\` there, and run the command again.`,
    { place: { file: CONFIG_PATH } },
  );
}

function isSame(text: string, expected: TomlTable): boolean {
  try {
    return isDeepStrictEqual(plain(parseConfig(text)), plain(expected));
  } catch {
    return false;
  }
}

/** Values only: tables of the parser have no prototype, ours have one. */
function plain(table: TomlTable): unknown {
  return JSON.parse(JSON.stringify(table));
}

function withValueReplaced(text: string, name: string): string | undefined {
  const body = bodyOf(text, name);
  const value = body && /^[ \t]*verify_jwt[ \t]*=[ \t]*(true)\b/m.exec(text.slice(body.from, body.to));
  if (!value) return undefined;
  const at = body.from + value.index + value[0].length - "true".length;
  return `${text.slice(0, at)}false${text.slice(at + "true".length)}`;
}

function withLineAdded(text: string, name: string): string | undefined {
  const body = bodyOf(text, name);
  if (!body) return undefined;
  const eol = lineEndOf(text);
  const start = text.slice(0, body.from);
  return `${start}${start.endsWith("\n") ? "" : eol}verify_jwt = false${eol}${text.slice(body.from)}`;
}

function withTableAdded(text: string, name: string): string {
  const eol = lineEndOf(text);
  const gap = text === "" ? "" : text.endsWith("\n") ? eol : eol + eol;
  const lines = [
    `[functions.${name}]`,
    "# Browsers cannot set headers on a WebSocket: the function verifies the token itself.",
    "verify_jwt = false",
    "",
  ];
  return text + gap + lines.join(eol);
}

/** Position of a table's body: behind its header's line, up to the next header or the end. */
function bodyOf(text: string, name: string): { readonly from: number; readonly to: number } | undefined {
  const header = new RegExp(
    `^[ \\t]*\\[[ \\t]*functions[ \\t]*\\.[ \\t]*("?)${name}\\1[ \\t]*\\][^\\n]*(\\n|$)`,
    "m",
  );
  const found = header.exec(text);
  if (!found) return undefined;
  const from = found.index + found[0].length;
  const next = /^[ \t]*\[/m.exec(text.slice(from));
  return { from, to: next ? from + next.index : text.length };
}

/** Line end that the file has; its last byte decides nothing. */
function lineEndOf(text: string): string {
  return /\r\n/.test(text) ? "\r\n" : "\n";
}

function tableOf(value: unknown): TomlTable | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? value as TomlTable
    : undefined;
}
