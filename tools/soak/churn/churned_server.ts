import { delay } from "@std/async";
import { createIssuer } from "../../../packages/cli/dev/issuer.ts";
import { residentBytes } from "../../support/processes/resident_memory.ts";
import { type FunctionProcess, startFunctionProcess } from "../../support/processes/function_process.ts";

/** Memory of the process, in bytes. */
export interface Memory {
  /** Resident memory of the process. */
  readonly rss: number;
  /** V8's heap, garbage that was not collected yet included. */
  readonly heap: number;
}

/** The function in a process of its own, as members and publishers reach it. `await using` kills it. */
export interface ChurnedServer extends AsyncDisposable {
  readonly process: FunctionProcess;
  /** Publishes in every room over HTTP. */
  readonly secretKey: string;
  /** The address of what is below `/realtime`. */
  httpUrl(path: string): string;
  /** A room's address with a token that was never used before, good for a day. */
  roomUrl(room: string, user: string, query?: Readonly<Record<string, string | number>>): Promise<string>;
  /** A token that was never used before, good for a day. */
  token(user: string): Promise<string>;
  /** Memory at this moment. */
  memory(): Promise<Memory>;
  /** Bytes of the heap that are in use, after all garbage was collected. */
  liveHeap(): Promise<number>;
  /** Resolves when only so many connections are open; rejects when there are more for too long. */
  untilConnections(count: number): Promise<void>;
}

/** Start of the server. */
export interface ChurnedServerOptions {
  /** `measured_entry.ts` by default. */
  readonly entry?: URL;
  /** Variables of the function in addition. */
  readonly env?: Readonly<Record<string, string>>;
}

const ENTRY = new URL("./measured_entry.ts", import.meta.url);
/** The server gives up on a handshake after three seconds; the machine may be busy. */
const SETTLE_PATIENCE_MS = 30_000;
const SETTLE_PAUSE_MS = 50;
const DAY_SECONDS = 86_400;
/** Bounds that a run meets within minutes: what is kept up to a bound must not look like what is kept for ever. */
const BOUNDS = {
  BACKPLANE: "memory",
  MEMORY_BYTES: "4000000",
  HISTORY_MESSAGES: "100",
  DEDUPE_SECONDS: "30",
  PRESENCE_GRACE_MS: "1000",
  AUTH_CACHE_ENTRIES: "200",
  MAX_CONNECTIONS_PER_USER: "1000",
  LOG_BUDGET: "10",
};

/** Starts the function on the memory backplane. @throws {Error} with what it said, when it ends instead */
export async function startChurnedServer({ entry = ENTRY, env = {} }: ChurnedServerOptions = {}): Promise<
  ChurnedServer
> {
  const issuer = await createIssuer();
  const secretKey = `sb_secret_${crypto.randomUUID()}`;
  const process = await startFunctionProcess({
    entry,
    env: {
      ...BOUNDS,
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
      const giveUpAt = performance.now() + SETTLE_PATIENCE_MS;
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
