import { parseConfig } from "../../supabase/functions/realtime/config.ts";
import { createHandler, type Fetcher } from "../../supabase/functions/realtime/handler.ts";
import type { Services } from "../../supabase/functions/realtime/app_env.ts";
import { createService, type Service } from "../../supabase/functions/realtime/service.ts";
import { createIssuer, type Issuer } from "../../dev/issuer.ts";
import { Trace } from "./trace.ts";

/** A log line, parsed. */
export type LogEvent = Readonly<Record<string, unknown>>;

/** The service, served in this process on a free port. `await using` stops it. */
export interface RunningService extends AsyncDisposable {
  /** Such as `http://127.0.0.1:43121`. */
  readonly origin: string;
  readonly port: number;
  readonly issuer: Issuer;
  readonly service: Service;
  /** Every log line since the start. */
  readonly logs: readonly LogEvent[];
  /** Promises that were given to the host's `waitUntil`. */
  readonly waitingFor: readonly Promise<void>[];
  /** The lines that log this event, once there are `count` of them; waits for that. */
  logged(event: string, count?: number): Promise<readonly LogEvent[]>;
  /** Address of a socket endpoint, such as `/echo`; with a token of `user` unless that is undefined. */
  socketUrl(path: string, user?: string): Promise<string>;
}

/** What a test may have different. */
export interface StartOptions {
  /** Environment variables beside the inline key set. `undefined` takes one away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Services in place of the composed ones. */
  readonly services?: Partial<Services>;
  /** What is served instead of the app, such as an app that has ours mounted in it. */
  readonly app?: (service: Service) => Fetcher;
  readonly issuer?: Issuer;
  /** Ends the server at once when it aborts, whatever is under way; else a test's end waits for that. */
  readonly signal?: AbortSignal;
}

/** Serves the composed service over a real socket, with an issuer whose keys it trusts. */
export async function startService(options: StartOptions = {}): Promise<RunningService> {
  const issuer = options.issuer ?? await createIssuer();
  const env = new Map(Object.entries({
    SUPABASE_JWKS: JSON.stringify(issuer.jwks),
    LOG_BUDGET: "1000000",
    ...options.env,
  }));
  const logs: LogEvent[] = [];
  const events = new Trace();
  const waitingFor: Promise<void>[] = [];
  const service = createService(parseConfig((name) => env.get(name)), {
    waitUntil: (promise) => void waitingFor.push(promise),
    writeLog(_level, line) {
      const event: LogEvent = JSON.parse(line);
      logs.push(event);
      events.add(String(event["event"]));
    },
  });
  Object.assign(service.services, options.services);
  const handler = options.app ? createHandler(options.app(service), service.services) : service.handler;
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
    service,
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
      await service.isolate.drain("test over", 0);
      await service.close();
      await (signal?.aborted ? server.finished : server.shutdown());
    },
  };
}
