/**
 * The function's entry: reads the environment, composes the service, serves it. Deployed as it is; started by itself with
 * `deno run --allow-net --allow-env supabase/functions/realtime/index.ts`.
 */
import { parseConfig, parseConfigOrExit } from "./config.ts";
import { drainBeforeUnload, hostedRuntime, surviveStrayErrors, writeToConsole } from "./edge_runtime.ts";
import { createService } from "./service.ts";
import { serveStandalone } from "./standalone.ts";

/** Long enough for the first answer to be out, and short for whoever connects next. */
const WARM_UP_AFTER_MS = 100;

const runtime = hostedRuntime();
const readVariable = (name: string) => Deno.env.get(name);
// The host shows what was thrown; a terminal gets the message alone.
const config = runtime ? parseConfig(readVariable) : parseConfigOrExit(readVariable);
const service = createService(config, {
  waitUntil: runtime && ((promise) => runtime.waitUntil(promise)),
  writeLog: writeToConsole,
});
surviveStrayErrors(service);
drainBeforeUnload(service);
if (runtime) Deno.serve(service.handler);
else serveStandalone(service);
setTimeout(service.warmUp, WARM_UP_AFTER_MS);
