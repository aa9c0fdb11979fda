import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Ask } from "../ask.ts";
import { CliError, EXIT, usageError } from "../cli_error.ts";
import { applyChanges, planChanges } from "../project/change_set.ts";
import { functionPath } from "../project/function_files.ts";
import { chooseEngineFunction } from "../project/function_pins.ts";
import { readProject } from "../project/project.ts";
import { changeLines, changesAsJson, type Report } from "../report.ts";
import { RESERVED_NAMES } from "../../../server/src/http/reserved_names.ts";
import { endpointSource, roomSource } from "./endpoint_sources.ts";

/** Options of `add endpoint`. */
export interface AddEndpointOptions {
  readonly dir: string;
  /** Name of the endpoint: its first segment of the address. Asked for if undefined. */
  readonly endpoint: string | undefined;
  /** Name of the function; undefined if the project has only one. */
  readonly name: string | undefined;
  readonly room: boolean;
  readonly dryRun: boolean;
  readonly ask: Ask | undefined;
}

/**
 * Writes a route file, and its import and line into app.ts.
 * @throws {CliError} before anything is written
 */
export async function addEndpoint(options: AddEndpointOptions): Promise<Report> {
  const { dryRun, ask } = options;
  if (options.endpoint !== undefined) checkName(options.endpoint);
  const { root } = await readProject(options.dir);
  const name = await chooseEngineFunction(root, options.name, ask);
  const endpoint = options.endpoint ?? await ask?.("Name of the endpoint, such as desks") ?? "";
  checkName(endpoint);
  const isRoom = options.room || options.endpoint === undefined && await wantsRooms(ask);
  const folder = functionPath(name);
  const identifier = endpoint.replace(/-(\w)/g, (_dash, letter: string) => letter.toUpperCase());
  const file = `${endpoint.replaceAll("-", "_")}.ts`;
  const app = `${folder}/app.ts`;
  const text = await readFile(join(root, app), "utf8").catch(() => undefined);
  if (text === undefined) throw new CliError(`There is no ${app}. Run \`realtime-edge init\` first.`);

  const source = (isRoom ? roomSource : endpointSource)(endpoint, identifier);
  const changes = await planChanges(root, [
    { path: `${folder}/routes/${file}`, content: source },
    { path: app, content: withRoute(text, { app, endpoint, identifier, file }) },
  ]);
  if (changes[0]?.before !== undefined) {
    throw new CliError(`${folder}/routes/${file} exists already. Choose another name.`);
  }
  if (!dryRun) await applyChanges(root, changes);
  const address = `/${name}/${endpoint}${isRoom ? "/ROOM" : ""}`;
  const trial = isRoom
    ? `its playground opens the rooms, such as ${endpoint}/1.`
    : `connect to ws://127.0.0.1:8000${address}?token=TOKEN.`;
  return {
    exitCode: EXIT.done,
    text: [
      ...changeLines(changes, dryRun),
      "",
      `The address: ${address}`,
      `Try it: \`realtime-edge dev\` serves the function and prints tokens; ${trial}`,
    ].join("\n"),
    json: { command: "add endpoint", ok: true, dry_run: dryRun, changes: changesAsJson(changes) },
  };
}

/** Asks for the kind of endpoint; a socket if nobody can be asked. */
async function wantsRooms(ask: Ask | undefined): Promise<boolean> {
  const kind = await ask?.(
    "Is it a socket that you program, or rooms whose members share messages?",
    "socket",
  );
  if (kind === undefined || /^s(ockets?)?$/i.test(kind)) return false;
  if (/^r(ooms?)?$/i.test(kind)) return true;
  throw usageError(`"${kind}" is no kind of endpoint. Answer socket or rooms.`);
}

function checkName(name: string): void {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name)) {
    throw usageError(
      `"${name}" is no endpoint's name. Use words of small letters and digits, joined by "-".`,
    );
  }
  if (RESERVED_NAMES.includes(name)) {
    throw usageError(`"${name}" is an address of the engine. Taken are: ${RESERVED_NAMES.join(", ")}.`);
  }
}

interface Route {
  readonly app: string;
  readonly endpoint: string;
  readonly identifier: string;
  readonly file: string;
}

/** The app with one route more: behind the last `.route(…)` of the chain. */
function withRoute(text: string, { app, endpoint, identifier, file }: Route): string {
  const line = `.route("/${endpoint}", ${identifier})`;
  const added = `import { ${identifier} } from "./routes/${file}";`;
  const eol = text.includes("\r\n") ? "\r\n" : "\n";
  if (new RegExp(`\\.route\\(\\s*["']/${endpoint}["']`).test(text)) {
    throw new CliError(`${app} has an endpoint /${endpoint} already.`, { place: { file: app } });
  }
  const imports = [...text.matchAll(/^import [^;]*;[ \t]*$/gm)].at(-1);
  const chain = /export const app = realtime\([^;]*;/.exec(text);
  const route = chain && [...chain[0].matchAll(/\n([ \t]*)\.route\([^()]*\)/g)].at(-1);
  if (!imports || !chain || !route) {
    throw new CliError(`${app} has another form than expected. Add by hand: ${added} and ${line}`, {
      place: { file: app },
    });
  }
  const behindRoute = chain.index + route.index + route[0].length;
  const behindImports = imports.index + imports[0].length;
  return text.slice(0, behindImports) + eol + added + text.slice(behindImports, behindRoute) +
    eol + route[1] + line + text.slice(behindRoute);
}
