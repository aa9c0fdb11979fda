import { parseArgs } from "node:util";
import { pathToFileURL } from "node:url";
import type { EdgeLimits } from "../support/isolates/limits.ts";
import { parseBytes, parseDuration, parseWhole } from "../support/quantities.ts";

/** Options of the command line. */
export interface CommandOptions {
  readonly entry: URL;
  readonly limits: Partial<EdgeLimits>;
  readonly isolates: number;
  readonly maxWorkers: number | undefined;
  readonly hostname: string;
  readonly port: number;
  readonly region: string;
  readonly deno: string | undefined;
  /** File of variables, which override the process' environment. */
  readonly envFile: string | undefined;
  /** Prints one line per event instead of a table. */
  readonly isPlain: boolean;
  /** Prints the help text only. */
  readonly isHelp: boolean;
}

/** The help text. */
export const USAGE = `deno task edge [options]: runs a function under the hosted platform's rules

  --function path/index.ts  entry of the function (default: this project's); its folder names it
  --port 54321              port to listen on, at --host 127.0.0.1; 0: any free port
  --env-file .env           variables of the function; they override the shell's
  --deno path               Deno binary of the workers (default: 2.1.4 through npx)
  --region local            SB_REGION

  --wall 400s               lifetime of an isolate: retired at half, warned at nine tenths
  --cpu-soft 1s             CPU after which an isolate is retired
  --cpu-hard 2s             CPU after which it is killed (default: twice --cpu-soft)
  --memory 256MiB           memory after which it is killed
  --idle 150s               silence of the server after which a connection is cut
  --absent 30s              time without requests after which an idle isolate is dropped (default: only once retired)
  --grace 15s               limit for open sockets to end when the host ends

  --isolates 1              number of isolates that take new connections in turn
  --workers 8               limit of processes, retired ones included (default: 4 per isolate, at least 8)
  --plain                   one line per event instead of a table; the default without a terminal
  --help                    this text

Ctrl-C or SIGTERM ends the isolates with "termination"; a second one kills them. docs/edge-host.md has the source of each rule.`;

const DEFAULT_ENTRY = new URL("../../supabase/functions/realtime/index.ts", import.meta.url);

/** Parses the command line. @throws {Error} naming the wrong option */
export function parseOptions(args: readonly string[]): CommandOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      function: { type: "string" },
      host: { type: "string", default: "127.0.0.1" },
      port: { type: "string", default: "54321" },
      "env-file": { type: "string" },
      deno: { type: "string" },
      region: { type: "string", default: "local" },
      wall: { type: "string", default: "400s" },
      "cpu-soft": { type: "string", default: "1s" },
      "cpu-hard": { type: "string" },
      memory: { type: "string", default: "256MiB" },
      idle: { type: "string", default: "150s" },
      absent: { type: "string" },
      grace: { type: "string", default: "15s" },
      isolates: { type: "string", default: "1" },
      workers: { type: "string" },
      plain: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const cpuSoftMs = parseDuration("--cpu-soft", values["cpu-soft"]);
  const hard = values["cpu-hard"];
  const cpuHardMs = hard === undefined ? 2 * cpuSoftMs : parseDuration("--cpu-hard", hard);
  if (cpuHardMs < cpuSoftMs) {
    throw new Error(`--cpu-hard takes at least --cpu-soft (${cpuSoftMs} ms), not ${cpuHardMs} ms.`);
  }
  const { workers, absent } = values;
  return {
    entry: values.function === undefined ? DEFAULT_ENTRY : pathToFileURL(values.function),
    limits: {
      wallMs: parseDuration("--wall", values.wall),
      cpuSoftMs,
      cpuHardMs,
      memoryBytes: parseBytes("--memory", values.memory),
      idleMs: parseDuration("--idle", values.idle),
      graceMs: parseDuration("--grace", values.grace),
      ...(absent === undefined ? {} : { absentMs: parseDuration("--absent", absent) }),
    },
    isolates: parseWhole("--isolates", values.isolates, 1, 64),
    maxWorkers: workers === undefined ? undefined : parseWhole("--workers", workers, 1, 256),
    hostname: values.host,
    port: parseWhole("--port", values.port, 0, 65_535),
    region: values.region,
    deno: values.deno,
    envFile: values["env-file"],
    isPlain: values.plain,
    isHelp: values.help,
  };
}
