import { parseArgs, type ParseArgsConfig } from "node:util";
import { CliError, EXIT, usageError } from "./cli_error.ts";
import { doctor } from "./commands/doctor.ts";
import { init } from "./commands/init.ts";
import { upgrade } from "./commands/upgrade.ts";
import type { PackageAssets } from "./project/package_assets.ts";
import type { Report } from "./report.ts";

/** Streams, clock and folder of a run. */
export interface CommandIo {
  readonly assets: () => Promise<PackageAssets>;
  readonly now: () => Date;
  readonly cwd: string;
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

Every command takes --json (one object instead of text) and --help.
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
    io.print(asJson ? JSON.stringify(report.json) : report.text);
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
  if (command === undefined || command === "help" || args.includes("--help") || args.includes("-h")) {
    return { exitCode: command === undefined ? EXIT.usage : EXIT.done, text: HELP, json: { help: HELP } };
  }
  switch (command) {
    case "init": {
      const values = parse(rest, {
        ...COMMON,
        ...PROJECT,
        name: { type: "string", default: "realtime" },
        force: { type: "boolean", default: false },
      });
      return await init(await io.assets(), {
        dir: values.dir ?? io.cwd,
        name: values.name,
        dryRun: values["dry-run"],
        force: values.force,
        now: io.now(),
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
    default:
      throw usageError(`There is no command "${command}".`);
  }
}

/** Parses options of a command that takes no other arguments. */
function parse<const Options extends NonNullable<ParseArgsConfig["options"]>>(
  args: readonly string[],
  options: Options,
) {
  try {
    return parseArgs({ args: [...args], options, strict: true }).values;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw usageError(message.replace(/\.?$/, "."));
  }
}
