/**
 * The dev server (`deno task dev`): the function with its own token issuer and the playground. With
 * `SUPABASE_URL` set, it trusts that project's keys instead. `deno run --watch` restarts it on
 * change; tokens stay valid, because `.dev/` holds the issuer's key. Handles no signal: the watcher
 * would outlive the first Ctrl-C.
 */
import { parseConfigOrExit } from "../../server/src/config/parse_config.ts";
import { app } from "../../../supabase/functions/realtime/app.ts";
import { composeEngine } from "../../server/src/compose/compose_engine.ts";
import { surviveStrayErrors, writeToConsole } from "../../server/src/host/hosted_runtime.ts";
import { createRequestHandler } from "../../server/src/host/request_handler.ts";
import { listen } from "../../server/src/host/standalone.ts";
import { bannerOrLine, originOf } from "./banner.ts";
import { loadIssuer } from "./issuer_key_file.ts";
import { createDevRoutes, DEV_USERS } from "./dev_routes.ts";
import { devKeyIn, devVariables } from "./dev_variables.ts";
import { devToken } from "./dev_token.ts";
import { refuseOtherHost } from "./local_host.ts";

const KEY_FILE = new URL("../../../.dev/issuer_key.json", import.meta.url);

const issuer = Deno.env.get("SUPABASE_URL") ? undefined : await loadIssuer(KEY_FILE);
const variables = new Map(Object.entries(devVariables(issuer, (name) => Deno.env.get(name))));
const config = parseConfigOrExit((name) => variables.get(name) ?? Deno.env.get(name));
const publishableKey = devKeyIn(variables.get("SUPABASE_PUBLISHABLE_KEYS"));
const users = issuer
  ? await Promise.all(
    DEV_USERS.map(async (name) => ({ name, token: await devToken(issuer, { user: name }) })),
  )
  : [];
const engine = composeEngine(config, { waitUntil: undefined, writeLog: writeToConsole });
surviveStrayErrors(engine);
const handler = createRequestHandler(app, engine.deps);
const routes = createDevRoutes(issuer);
listen(
  config,
  async (request, info) => {
    const refusal = refuseOtherHost(request);
    if (refusal) return refusal;
    const isFunctionPath = new URL(request.url).pathname.startsWith("/realtime");
    return await (isFunctionPath ? handler(request, info) : routes.fetch(request));
  },
  (address) => console.log(bannerOrLine(originOf(address), users, { publishableKey })),
);
