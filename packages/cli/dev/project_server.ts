import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import type { createServer } from "../../server/mod.ts";
import { bannerOrLine, originOf } from "./banner.ts";
import { createDevRoutes, DEV_USERS } from "./dev_routes.ts";
import { devKeyIn, devVariables } from "./dev_variables.ts";
import { devToken } from "./dev_token.ts";
import { loadIssuer } from "./issuer_key_file.ts";
import { refuseOtherHost } from "./local_host.ts";
import { createPlayground } from "./playground_page.ts";

/** A function of a project, as `realtime-edge dev` serves it. */
export interface ProjectFunction {
  /** The project's own app, and the `createServer` of its own engine. */
  readonly app: Parameters<typeof createServer>[0];
  readonly createServer: typeof createServer;
  /** Name of the function: the first segment of its addresses. */
  readonly name: string;
  /** Path of the issuer's key. */
  readonly keyFile: string;
}

/** The playground as the package has it: bundled, beside this module. */
const PLAYGROUND = new URL("./playground/", import.meta.url);

/**
 * Serves a project's function with a token issuer and the playground, on `HOST` and `PORT`. With
 * `SUPABASE_URL` set it trusts that project's keys instead. A wrong configuration ends the process
 * with a message.
 */
export async function serveProject({ app, createServer, name, keyFile }: ProjectFunction): Promise<void> {
  const env = Deno.env.toObject();
  const issuer = env["SUPABASE_URL"] ? undefined : await loadIssuer(pathToFileURL(keyFile));
  const variables = devVariables(issuer, (name) => env[name]);
  const publishableKey = devKeyIn(variables["SUPABASE_PUBLISHABLE_KEYS"]);
  const server = orExit(() => createServer(app, { env: { ...env, ...variables } }));
  const users = issuer
    ? await Promise.all(
      DEV_USERS.map(async (user) => ({ name: user, token: await devToken(issuer, { user }) })),
    )
    : [];
  const prefix = `/${name}`;
  const playground = createPlayground(PLAYGROUND, readPlayground);
  const routes = createDevRoutes(issuer, { functionPath: prefix, playground });
  orExit(() =>
    Deno.serve({
      hostname: env["HOST"] || "127.0.0.1",
      port: Number(env["PORT"] || 8000),
      onListen: (address) => console.log(bannerOrLine(originOf(address), users, { name, publishableKey })),
    }, async (request, info) => {
      const refusal = refuseOtherHost(request);
      if (refusal) return refusal;
      const { pathname } = new URL(request.url);
      const isFunctionPath = pathname === prefix || pathname.startsWith(`${prefix}/`);
      return await (isFunctionPath ? server.fetch(request, info) : routes.fetch(request));
    })
  );
}

/** Reads the bundled playground. */
async function readPlayground(): Promise<{ name: string; text: string }[]> {
  return [{ name: "main.js", text: await readFile(new URL("main.js", PLAYGROUND), "utf8") }];
}

/** Runs a step. A failure ends the process with its message, and the watcher waits. */
function orExit<T>(step: () => T): T {
  try {
    return step();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    console.error(`The dev server did not start. ${reasonOf(error)}`);
    Deno.exit(1);
  }
}

/** Text of a failed start, with the next step. */
function reasonOf(error: Error): string {
  if (error instanceof Deno.errors.AddrInUse) {
    return `Port ${
      Deno.env.get("PORT")
    } is taken. Stop what listens there, or choose another port with --port.`;
  }
  // The class is that of the project's engine, not of this package.
  if (error.name !== "ConfigError") return `${error.name}: ${error.message}`;
  return [
    error.message,
    "Variables come from the shell and supabase/functions/.env; --postgres and --redis name a store.",
    "Correct them, and start the server again.",
  ].join("\n");
}
