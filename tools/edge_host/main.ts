/**
 * Runs a function under the hosted platform's rules on this machine (`deno task edge`,
 * docs/edge-host.md). Without keys in the environment it creates an issuer for this run, gives its
 * keys to the function, and prints a token.
 */
import { createIssuer } from "../../packages/cli/dev/issuer.ts";
import { parseEnvFile } from "./env_file.ts";
import { eventText, shortId } from "../support/isolates/events.ts";
import { type EdgeHost, startEdgeHost } from "../support/isolates/host.ts";
import { HOSTED_LIMITS } from "../support/isolates/limits.ts";
import { type CommandOptions, parseOptions, USAGE } from "./edge_options.ts";
import { createScreen } from "./screen.ts";
import { drawTable } from "./table.ts";

/** Lifetime of the printed token: a day. */
const TOKEN_SECONDS = 86_400;
const REDRAW_MS = 250;

/** Returns the function's variables, and a token if the issuer is ours. */
async function readEnvironment(
  file: string | undefined,
): Promise<{ env: Record<string, string>; token?: string }> {
  const given = file === undefined ? {} : parseEnvFile(await Deno.readTextFile(file));
  const env = { ...Deno.env.toObject(), ...given };
  if (env["SUPABASE_URL"] || env["SUPABASE_JWKS"]) return { env };
  const issuer = await createIssuer();
  const exp = Math.floor(Date.now() / 1_000) + TOKEN_SECONDS;
  return {
    env: { ...env, SUPABASE_JWKS: JSON.stringify(issuer.jwks) },
    token: await issuer.token("alice", { claims: { exp } }),
  };
}

function banner({ origin, name }: EdgeHost, token: string | undefined): string {
  const path = `/functions/v1/${name}`;
  const lines = [`Edge host is up: ${origin}${path}`];
  if (token === undefined) return lines.join("\n");
  const socketOrigin = origin.replace(/^http/, "ws");
  return [...lines, "An echo:", `npx -y wscat -c '${socketOrigin}${path}/echo?token=${token}'`, ""].join(
    "\n",
  );
}

async function run(options: CommandOptions): Promise<void> {
  const { env, token } = await readEnvironment(options.envFile);
  const limits = { ...HOSTED_LIMITS, ...options.limits };
  const hasTable = Deno.stdout.isTerminal() && !options.isPlain;
  const encoder = new TextEncoder();
  let host: EdgeHost | undefined = undefined;
  const screen = createScreen({
    drawTable: hasTable
      ? () => drawTable(host?.isolates ?? [], { limits, isColoured: !Deno.env.get("NO_COLOR") })
      : undefined,
    // A terminal of unknown size reports 0.
    columns: () => Deno.consoleSize().columns || 80,
    output: (text) => void Deno.stdout.writeSync(encoder.encode(text)),
  });
  host = await startEdgeHost({
    entry: options.entry,
    env,
    limits,
    deno: options.deno,
    isolates: options.isolates,
    ...(options.maxWorkers === undefined ? {} : { maxWorkers: options.maxWorkers }),
    hostname: options.hostname,
    port: options.port,
    region: options.region,
    onEvent: (event) => screen.write(eventText(event)),
    onOutput: (isolate, line) => screen.write(`${shortId(isolate)} | ${line}`),
  });
  screen.write(banner(host, token));
  const redrawing = hasTable ? setInterval(screen.redraw, REDRAW_MS) : undefined;
  await untilEnded(host);
  clearInterval(redrawing);
}

/** Resolves once a signal has ended the host; a second signal does not wait for its sockets. */
async function untilEnded(host: EdgeHost): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let signals = 0;
  const end = () => void (++signals === 1 ? host.shutdown() : host[Symbol.asyncDispose]()).then(resolve);
  Deno.addSignalListener("SIGINT", end);
  Deno.addSignalListener("SIGTERM", end);
  await promise;
  Deno.removeSignalListener("SIGINT", end);
  Deno.removeSignalListener("SIGTERM", end);
}

if (import.meta.main) {
  try {
    const options = parseOptions(Deno.args);
    if (options.isHelp) console.log(USAGE);
    else await run(options);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    console.error(`${error.message}\ndeno task edge --help lists the options.`);
    Deno.exit(1);
  }
}
