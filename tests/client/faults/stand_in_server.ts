import { welcomeFrame } from "../machine_world.ts";

/** End of a connection. */
export interface StandInEnding {
  /** 1006 is no code that can be sent: the connection is left open, for somebody else to cut. */
  readonly code: number;
  /** Told before in an `error`. */
  readonly retryAfterMs?: number;
}

/**
 * A server that welcomes every client, ends the first connections as the test says, and keeps the
 * later ones open.
 */
export class StandInServer implements AsyncDisposable {
  readonly #endings: StandInEnding[];
  readonly #open = new Set<WebSocket>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(endings: readonly StandInEnding[]) {
    this.#endings = [...endings];
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
      const { socket, response } = Deno.upgradeWebSocket(request, { protocol: "realtime.v1" });
      socket.onopen = () => this.#welcome(socket);
      socket.onclose = () => void this.#open.delete(socket);
      socket.onerror = (event) => event.preventDefault();
      return response;
    });
  }

  get port(): number {
    return this.#server.addr.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#open) socket.close();
    await this.#server.shutdown();
  }

  #welcome(socket: WebSocket): void {
    this.#open.add(socket);
    socket.send(JSON.stringify(welcomeFrame()));
    const ending = this.#endings.shift();
    if (!ending) return;
    const { code, retryAfterMs } = ending;
    if (retryAfterMs !== undefined) {
      const error = { type: "error", code: "rate_limited", message: "wait", retry_after_ms: retryAfterMs };
      socket.send(JSON.stringify(error));
    }
    if (code !== 1006) socket.close(code, `closed with ${code}`);
  }
}
