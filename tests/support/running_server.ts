import { parseConfig } from "../../packages/server/src/config/parse_config.ts";
import { createRequestHandler, type Fetcher } from "../../packages/server/src/host/request_handler.ts";
import type { Deps } from "../../packages/server/src/http/context.ts";
import { composeEngine, type Engine } from "../../packages/server/src/compose/compose_engine.ts";
import { createIssuer, type Issuer } from "../../packages/cli/dev/issuer.ts";
import { realtime } from "../../packages/server/src/http/realtime.ts";
import { roomEndpoint } from "../../packages/server/src/http/rooms/room_endpoint.ts";
import { authenticate } from "../../packages/server/src/http/middleware/authenticate.ts";
import { echo } from "../../supabase/functions/realtime/routes/echo.ts";
import { Trace } from "./trace.ts";

/** Parsed log line. */
export type LogEvent = Readonly<Record<string, unknown>>;

/** Server in the test's process on a free port. `await using` stops it. */
export interface RunningServer extends AsyncDisposable {
  /** Such as `http://127.0.0.1:43121`. */
  readonly origin: string;
  readonly port: number;
  readonly issuer: Issuer;
  readonly engine: Engine;
  /** Log events since the start. */
  readonly logs: readonly LogEvent[];
  /** Promises passed to the host's `waitUntil`. */
  readonly waitingFor: readonly Promise<void>[];
  /** Waits for `count` log events of this name and returns them. */
  logged(event: string, count?: number): Promise<readonly LogEvent[]>;
  /** Builds the address of a socket endpoint such as `/echo`, with a token of `user`. */
  socketUrl(path: string, user?: string): Promise<string>;
}

/** Options that differ from the defaults. */
export interface StartOptions {
  /** Environment variables in addition to the inline key set. `undefined` removes one. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Deps in place of the composed ones. */
  readonly deps?: Partial<Deps>;
  /** App to serve instead of the default one. */
  readonly app?: (engine: Engine) => Fetcher;
  readonly issuer?: Issuer;
  /** Ends the server at once on abort. Otherwise disposal waits for requests in progress. */
  readonly signal?: AbortSignal;
}

/** Creates the function's app; tests add middleware and endpoints. */
// deno-lint-ignore explicit-module-boundary-types
export function createApp() {
  return realtime({ authenticate }).route("/echo", echo).route("/rooms", roomEndpoint({ authenticate }));
}

/** Serves the engine on a real socket, with an issuer that it trusts. */
export async function startServer(options: StartOptions = {}): Promise<RunningServer> {
  const issuer = options.issuer ?? await createIssuer();
  const env = new Map(Object.entries({
    SUPABASE_JWKS: JSON.stringify(issuer.jwks),
    LOG_BUDGET: "1000000",
    // The process of the tests holds more than the server.
    ADMIT_BELOW_MB: "1000000",
    ...options.env,
  }));
  const logs: LogEvent[] = [];
  const events = new Trace();
  const waitingFor: Promise<void>[] = [];
  const engine = composeEngine(parseConfig((name) => env.get(name)), {
    waitUntil: (promise) => void waitingFor.push(promise),
    writeLog(_level, line) {
      const event: LogEvent = JSON.parse(line);
      logs.push(event);
      events.add(String(event["event"]));
    },
  });
  Object.assign(engine.deps, options.deps);
  const handler = createRequestHandler(options.app?.(engine) ?? createApp(), engine.deps);
  const { signal } = options;
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {}, ...(signal ? { signal } : {}) },
    handler,
  );
  const { port } = server.addr;
  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    issuer,
    engine,
    logs,
    waitingFor,
    async logged(event, count = 1) {
      await events.until(event, count);
      return logs.filter((line) => line["event"] === event);
    },
    async socketUrl(path, user = "alice") {
      const token = await issuer.token(user);
      return `ws://127.0.0.1:${port}/realtime${path}?token=${encodeURIComponent(token)}`;
    },
    async [Symbol.asyncDispose]() {
      await engine.connections.drain("test over", 0);
      await engine.close();
      await (signal?.aborted ? server.finished : server.shutdown());
    },
  };
}
