/**
 * The function's entry: reads the environment, composes the service, serves it. Deployed as it is; started by itself with
 * `deno run --allow-net --allow-env supabase/functions/realtime/index.ts`.
 */
import { ConfigError, parseConfig } from "./config.ts";
import { drainBeforeUnload, hostedRuntime, surviveStrayErrors, writeToConsole } from "./edge_runtime.ts";
import { createService } from "./service.ts";
import { serveStandalone } from "./standalone.ts";

function readConfig() {
  try {
    return parseConfig((name) => Deno.env.get(name));
  } catch (error) {
    if (!(error instanceof ConfigError) || hostedRuntime()) throw error;
    console.error(
      `The configuration is wrong, so nothing was started.\n${error.message}\nSee docs/configuration.md.`,
    );
    Deno.exit(1);
  }
}

const runtime = hostedRuntime();
const service = createService(readConfig(), {
  waitUntil: runtime && ((promise) => runtime.waitUntil(promise)),
  writeLog: writeToConsole,
});
surviveStrayErrors(service);
drainBeforeUnload(service);
if (runtime) Deno.serve(service.handler);
else serveStandalone(service);
