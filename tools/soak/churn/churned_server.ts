import { delay } from "@std/async";
import { createIssuer } from "../../../packages/cli/dev/issuer.ts";
import { residentBytes } from "../../support/processes/resident_memory.ts";
import { type FunctionProcess, startFunctionProcess } from "../../support/processes/function_process.ts";

/** Memory of a process, in bytes. */
export interface Memory {
  readonly rss: number;
  /** V8's heap, uncollected garbage included. */
  readonly heap: number;
}

/** The function in a separate process. `await using` kills it. */
export interface ChurnedServer extends AsyncDisposable {
  readonly process: FunctionProcess;
  /** Key that may publish in every room over HTTP. */
  readonly secretKey: string;
  /** URL of a path below `/realtime`. */
  httpUrl(path: string): string;
  /** URL of a room with a new token, valid for a day. */
  roomUrl(room: string, user: string, query?: Readonly<Record<string, string | number>>): Promise<string>;
  /** Issues a new token, valid for a day. */
  token(user: string): Promise<string>;
  memory(): Promise<Memory>;
  /** Used heap after a full garbage collection, in bytes. */
  liveHeap(): Promise<number>;
  /** Resolves once exactly `count` connections are open; rejects after 30 s. */
  untilConnections(count: number): Promise<void>;
}

/** Options of the server. */
interface ChurnedServerOptions {
  /** Entry of the function; default `measured_entry.ts`. */
  readonly entry?: URL;
  /** Additional variables of the function. */
  readonly env?: Readonly<Record<string, string>>;
}

const ENTRY = new URL("./measured_entry.ts", import.meta.url);
/**
 * Limit for connections to end. The server drops a handshake after three seconds; the machine may
 * be busy.
 */
const SETTLE_TIMEOUT_MS = 30_000;
const SETTLE_PAUSE_MS = 50;
const DAY_SECONDS = 86_400;
/** Limits that a run reaches within minutes, so that bounded caches do not look like leaks. */
const LIMITS = {
  BACKPLANE: "memory",
  MEMORY_BYTES: "4000000",
  HISTORY_MESSAGES: "100",
  DEDUPE_SECONDS: "30",
  PRESENCE_GRACE_MS: "1000",
  AUTH_CACHE_ENTRIES: "200",
  MAX_CONNECTIONS_PER_USER: "1000",
  JOINS_PER_SECOND: "1000000",
  JOINS_BURST: "1000000",
  ISOLATE_JOINS_PER_SECOND: "1000000",
  USER_REQUESTS_PER_SECOND: "1000000",
  LOG_BUDGET: "10",
};

/**
 * Starts the function on the memory backplane.
 * @throws {Error} with its output, if it ends instead
 */
export async function startChurnedServer({ entry = ENTRY, env = {} }: ChurnedServerOptions = {}): Promise<
  ChurnedServer
> {
  const issuer = await createIssuer();
  const secretKey = `sb_secret_${crypto.randomUUID()}`;
  const process = await startFunctionProcess({
    entry,
    env: {
      ...LIMITS,
      SUPABASE_JWKS: JSON.stringify(issuer.jwks),
      SUPABASE_SECRET_KEYS: JSON.stringify({ default: secretKey }),
      DENO_V8_FLAGS: "--expose-gc",
      ...env,
    },
  });
  let tokens = 0;
  let answers = 0;

  const httpUrl = (path: string) => `http://127.0.0.1:${process.port}/realtime${path}`;

  async function token(user: string): Promise<string> {
    const exp = Math.floor(Date.now() / 1000) + DAY_SECONDS;
    return await issuer.token(user, { claims: { exp, session_id: `session-${++tokens}` } });
  }

  async function heap(signal: Deno.Signal): Promise<number> {
    const answer = process.logged(`memory.${++answers}`);
    process.signal(signal);
    return Number((await answer)["heapUsed"]);
  }

  async function connections(): Promise<number> {
    const response = await fetch(httpUrl("/metrics"), { headers: { apikey: secretKey } });
    const text = await response.text();
    const count = /^realtime_connections (\d+)$/m.exec(text)?.[1];
    if (count === undefined) throw new Error(`/metrics answered ${response.status} without connections.`);
    return Number(count);
  }

  return {
    process,
    secretKey,
    httpUrl,
    token,
    async roomUrl(room, user, query = {}) {
      const parameters = Object.entries({ ...query, token: await token(user) })
        .map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
      return `ws://127.0.0.1:${process.port}/realtime/rooms/${room}?${parameters.join("&")}`;
    },
    memory: async () => ({ rss: residentBytes(process.pid), heap: await heap("SIGHUP") }),
    liveHeap: () => heap("SIGUSR2"),
    async untilConnections(count) {
      const giveUpAt = performance.now() + SETTLE_TIMEOUT_MS;
      for (let open = await connections(); open !== count; open = await connections()) {
        if (performance.now() > giveUpAt) {
          throw new Error(`${open} connections are open instead of ${count}.`);
        }
        await delay(SETTLE_PAUSE_MS);
      }
    },
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}
