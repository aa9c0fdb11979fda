import { concatBytes } from "../wire/byte_queue.ts";
import { bytesOfText, type ReceivedHead } from "../wire/http_head.ts";
import { closeQuietly, readHead, writeAll } from "../wire/tcp_connection.ts";
import type { IsolatePool } from "./pool.ts";
import { BAD_REQUEST, CRASHED, NOT_FOUND, type Refusal, refusalBytes, Refused } from "./refusal.ts";
import { Relay } from "./relay.ts";
import { forwardedHead, parseRequestHead, pathForFunction, type RequestHead } from "./request_head.ts";

/** Options of a front. */
interface FrontOptions {
  readonly hostname: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** Name of the function: first segment of its paths. */
  readonly name: string;
  readonly pool: IsolatePool;
  /** Monotonic clock, in milliseconds. */
  readonly now: () => number;
}

/** Limit for a client to send its head. */
const HEAD_TIMEOUT_MS = 10_000;

/** Listener in front of all isolates. Each connection belongs to one isolate until it ends. */
export class Front {
  readonly #options: FrontOptions;
  readonly #listener: Deno.TcpListener;
  readonly #clients = new Set<Deno.TcpConn>();
  readonly #serving = new Set<Promise<void>>();
  readonly #accepting: Promise<void>;

  /** @throws {Deno.errors.AddrInUse} */
  constructor(options: FrontOptions) {
    this.#options = options;
    this.#listener = Deno.listen({ hostname: options.hostname, port: options.port });
    this.#accepting = this.#accept();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** Stops accepting connections. */
  async stop(): Promise<void> {
    try {
      this.#listener.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
    await this.#accepting;
  }

  /** Cuts the open connections and waits until they are closed. */
  async close(): Promise<void> {
    await this.stop();
    for (const client of this.#clients) closeQuietly(client);
    await Promise.all(this.#serving);
  }

  async #accept(): Promise<void> {
    for await (const client of this.#listener) {
      this.#clients.add(client);
      const serving = this.#serve(client).finally(() => {
        closeQuietly(client);
        this.#clients.delete(client);
        this.#serving.delete(serving);
      });
      this.#serving.add(serving);
    }
  }

  async #serve(client: Deno.TcpConn): Promise<void> {
    const opening = await this.#readOpening(client);
    if (!opening) return;
    const head = parseRequestHead(opening.text);
    if (!head) return await refuse(client, BAD_REQUEST);
    const target = pathForFunction(head.target, this.#options.name);
    if (target === undefined) return await refuse(client, NOT_FOUND);
    const text = forwardedHead(head, target, client.remoteAddr.hostname);
    const bytes = concatBytes([bytesOfText(text), opening.rest]);
    try {
      await this.#relay(client, head, bytes);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      await refuse(client, error.refusal);
    }
  }

  async #relay(client: Deno.TcpConn, { wantsUpgrade }: RequestHead, opening: Uint8Array): Promise<void> {
    const { isolate, port } = await this.#options.pool.assign();
    const worker = await connect(port);
    if (!worker) {
      isolate.answered();
      throw new Refused(CRASHED);
    }
    const relay = new Relay(client, worker, this.#options.now);
    isolate.connections.add(relay);
    // The isolate may have been killed during the connect.
    if (isolate.state === "ended") relay.cut(CRASHED);
    await relay.run({ opening, wantsUpgrade, onAnswered: () => isolate.answered() });
    isolate.connections.delete(relay);
  }

  async #readOpening(client: Deno.TcpConn): Promise<ReceivedHead | undefined> {
    const timer = setTimeout(() => closeQuietly(client), HEAD_TIMEOUT_MS);
    try {
      return await readHead(client);
    } catch {
      // The client is gone or too slow.
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }
}

async function connect(port: number): Promise<Deno.TcpConn | undefined> {
  try {
    return await Deno.connect({ hostname: "127.0.0.1", port });
  } catch {
    return undefined;
  }
}

async function refuse(client: Deno.TcpConn, refusal: Refusal): Promise<void> {
  try {
    await writeAll(client, refusalBytes(refusal));
    await client.closeWrite();
  } catch {
    // The client is gone.
  }
}
