import { parseArgs, type ParseArgsConfig } from "node:util";
import type { Ask } from "./ask.ts";
import { CliError, EXIT, usageError } from "./cli_error.ts";
import { addEndpoint } from "./commands/add_endpoint.ts";
import { dev } from "./commands/dev.ts";
import { doctor } from "./commands/doctor.ts";
import { init } from "./commands/init.ts";
import { token } from "./commands/token.ts";
import { upgrade } from "./commands/upgrade.ts";
import type { PackageAssets } from "./project/package_assets.ts";
import type { Report } from "./report.ts";

/** Streams, clock and folder of a run. */
export interface CommandIo {
  readonly assets: () => Promise<PackageAssets>;
  /** Folder of this package. */
  readonly packageFolder: string;
  readonly now: () => Date;
  readonly cwd: string;
  /** Asks for what a command line leaves open; undefined where nobody can answer. */
  readonly ask: Ask | undefined;
  readonly print: (text: string) => void;
  readonly printError: (text: string) => void;
}

const HELP = `realtime-edge: rooms and socket endpoints in your Supabase project.

  realtime-edge init [--dir .] [--name realtime] [--dry-run] [--force]
      Adds the engine, a function of your own, the migrations and one table in config.toml.
  realtime-edge upgrade [--dir .] [--dry-run]
      Replaces the engine, adds migrations that are missing, prints what changed. Your files stay.
  realtime-edge doctor [--dir .] [--url FUNCTION_URL] [--db-url URL] [--env-file FILE]
      Checks the project, and with addresses its database and its deployment. Writes nothing.
  realtime-edge add endpoint NAME [--room] [--name FUNCTION] [--dir .] [--dry-run]
      Writes a route file, and its line in app.ts.
  realtime-edge dev [--port 8000] [--name FUNCTION] [--postgres URL] [--redis URL] [--dir .]
      Serves your function with a token issuer and the playground; reloads on change. Rooms are in
      memory, and a reload empties them, unless a store is named.
  realtime-edge token --user NAME [--role R] [--app-metadata JSON] [--claims JSON] [--dir .]
      Prints a token for the dev server.

Not installed? Then \`npx -y\` and the tarball's path stand in the place of \`realtime-edge\`.
Every command takes --json (one object instead of text) and --help; --version prints the version.
On a terminal, NAME of a function, endpoint or user is asked for if it is missing.
Exit codes: 0 done, 1 a problem or a refusal, 2 wrong usage.`;

const COMMON = {
  json: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
} as const satisfies ParseArgsConfig["options"];
const PROJECT = { dir: { type: "string" }, "dry-run": { type: "boolean", default: false } } as const;

/** Runs a command line and returns its exit code. */
export async function runCommand(args: readonly string[], io: CommandIo): Promise<number> {
  const asJson = args.includes("--json");
  try {
    const report = await dispatch(args, io);
    const text = asJson ? JSON.stringify(report.json) : report.text;
    if (text !== "") io.print(text);
    return report.exitCode;
  } catch (error) {
    const known = error instanceof CliError ? error : undefined;
    const message = error instanceof Error ? error.message : String(error);
    if (asJson) io.print(JSON.stringify({ ok: false, error: { message, ...known?.place } }));
    else io.printError(known ? message : `Unexpected: ${error instanceof Error ? error.stack : message}`);
    return known?.exitCode ?? EXIT.problem;
  }
}

async function dispatch(args: readonly string[], io: CommandIo): Promise<Report> {
  const [command, ...rest] = args;
  // Beside the questions, the output would not be one object.
  const ask = args.includes("--json") ? undefined : io.ask;
  if (command === undefined || command === "help" || args.includes("--help") || args.includes("-h")) {
    return { exitCode: command === undefined ? EXIT.usage : EXIT.done, text: HELP, json: { help: HELP } };
  }
  if (command === "--version") {
    const { version } = await io.assets();
    return { exitCode: EXIT.done, text: version, json: { version } };
  }
  switch (command) {
    case "init": {
      const values = parse(rest, {
        ...COMMON,
        ...PROJECT,
        name: { type: "string" },
        force: { type: "boolean", default: false },
      });
      return await init(await io.assets(), {
        dir: values.dir ?? io.cwd,
        name: values.name,
        dryRun: values["dry-run"],
        force: values.force,
        now: io.now(),
        ask,
      });
    }
    case "upgrade": {
      const values = parse(rest, { ...COMMON, ...PROJECT });
      return await upgrade(await io.assets(), {
        dir: values.dir ?? io.cwd,
        dryRun: values["dry-run"],
        now: io.now(),
      });
    }
    case "doctor": {
      const values = parse(rest, {
        ...COMMON,
        dir: { type: "string" },
        url: { type: "string" },
        "db-url": { type: "string" },
        "env-file": { type: "string" },
      });
      return await doctor(await io.assets(), {
        dir: values.dir ?? io.cwd,
        url: values.url,
        dbUrl: values["db-url"],
        envFile: values["env-file"],
      });
    }
    case "add": {
      const { values, positionals } = parseWithArguments(rest, {
        ...COMMON,
        ...PROJECT,
        name: { type: "string" },
        room: { type: "boolean", default: false },
      });
      const [what, endpoint, ...others] = positionals;
      if (what !== "endpoint" || (endpoint === undefined && !ask) || others.length > 0) {
        throw usageError("Say what to add: `realtime-edge add endpoint NAME`.");
      }
      return await addEndpoint({
        dir: values.dir ?? io.cwd,
        endpoint,
        name: values.name,
        room: values.room,
        dryRun: values["dry-run"],
        ask,
      });
    }
    case "dev": {
      const values = parse(rest, {
        ...COMMON,
        dir: { type: "string" },
        name: { type: "string" },
        port: { type: "string", default: "8000" },
        postgres: { type: "string" },
        redis: { type: "string" },
      });
      return await dev({
        dir: values.dir ?? io.cwd,
        name: values.name,
        port: values.port,
        postgres: values.postgres,
        redis: values.redis,
        packageFolder: io.packageFolder,
        ask,
      });
    }
    case "token": {
      const values = parse(rest, {
        ...COMMON,
        dir: { type: "string" },
        user: { type: "string" },
        role: { type: "string" },
        "app-metadata": { type: "string" },
        claims: { type: "string" },
      });
      return await token({
        dir: values.dir ?? io.cwd,
        user: values.user,
        role: values.role,
        appMetadata: values["app-metadata"],
        claims: values.claims,
        ask,
      });
    }
    default:
      throw usageError(`There is no command "${command}".`);
  }
}

type Options = NonNullable<ParseArgsConfig["options"]>;

/** Parses options of a command that takes no other arguments. */
function parse<const Given extends Options>(args: readonly string[], options: Given) {
  return parsing(() => parseArgs({ args: [...args], options, strict: true }).values);
}

/** Parses options beside other arguments. */
function parseWithArguments<const Given extends Options>(args: readonly string[], options: Given) {
  return parsing(() => parseArgs({ args: [...args], options, strict: true, allowPositionals: true }));
}

function parsing<T>(parseNow: () => T): T {
  try {
    return parseNow();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw usageError(message.replace(/\.?$/, "."));
  }
}
