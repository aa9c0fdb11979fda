/** TCP proxy that can delay, cut and refuse connections. `await using` ends it. */
export class TcpProxy implements AsyncDisposable {
  readonly port: number;
  /** Delay of the bytes in each direction, in milliseconds. */
  delayMs = 0;
  #targetPort: number;
  readonly #listener: Deno.TcpListener;
  readonly #open = new Map<Deno.TcpConn, Deno.TcpConn>();
  readonly #serving = new Set<Promise<void>>();
  #isShut = false;
  /** Set while answers are held back; resolves when they continue. */
  #heldAnswers: PromiseWithResolvers<void> | undefined;

  private constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = (this.#listener.addr as Deno.NetAddr).port;
    this.#track(this.#accept());
  }

  /** Opens a proxy to a port of 127.0.0.1. */
  static open(targetPort: number): TcpProxy {
    return new TcpProxy(targetPort);
  }

  /** Holds back the server's bytes from now on; the client's bytes pass. */
  holdAnswers(): void {
    this.#heldAnswers ??= Promise.withResolvers();
  }

  /** Cuts open connections and connects new ones to another port. */
  redirect(targetPort: number): void {
    this.#targetPort = targetPort;
    this.cut();
  }

  /** Cuts all connections; returns their number. */
  cut(): number {
    const count = this.#open.size;
    for (const [near, far] of this.#open) {
      end(near);
      end(far);
    }
    this.#open.clear();
    this.#heldAnswers?.resolve();
    this.#heldAnswers = undefined;
    return count;
  }

  /** Cuts all connections, and refuses new ones until `reopen`. */
  shut(): void {
    this.#isShut = true;
    this.cut();
  }

  /** Accepts connections again. */
  reopen(): void {
    this.#isShut = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.shut();
    while (this.#serving.size > 0) await Promise.all(this.#serving);
  }

  async #accept(): Promise<void> {
    for await (const near of this.#listener) {
      if (this.#isShut) end(near);
      else this.#track(this.#connect(near));
    }
  }

  async #connect(near: Deno.TcpConn): Promise<void> {
    let far: Deno.TcpConn;
    try {
      far = await Deno.connect({ hostname: "127.0.0.1", port: this.#targetPort });
    } catch {
      end(near);
      return;
    }
    if (this.#isShut) {
      end(near);
      end(far);
      return;
    }
    near.setNoDelay();
    far.setNoDelay();
    this.#open.set(near, far);
    await Promise.all([this.#forward(near, far, false), this.#forward(far, near, true)]);
    this.#open.delete(near);
  }

  /**
   * Forwards bytes in order until one end closes, then closes both. Reading continues during a
   * delay.
   */
  async #forward(from: Deno.TcpConn, to: Deno.TcpConn, isAnswer: boolean): Promise<void> {
    let last = Promise.resolve();
    try {
      for (;;) {
        const bytes = new Uint8Array(65_536);
        const count = await from.read(bytes);
        if (count === null) break;
        if (isAnswer) await this.#heldAnswers?.promise;
        const ready = this.delayMs > 0 ? latency(this.delayMs) : Promise.resolve();
        last = Promise.all([last, ready]).then(() => writeAll(to, bytes.subarray(0, count)));
        last.catch(() => end(from));
      }
      await last;
    } catch {
      await last.catch(() => {/* both ends are closed */});
    }
    end(from);
    end(to);
  }

  #track(serving: Promise<void>): void {
    this.#serving.add(serving);
    void serving.finally(() => this.#serving.delete(serving));
  }
}

/** Latency of the simulated line; no test waits for it. */
function latency(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function writeAll(to: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) written += await to.write(bytes.subarray(written));
}

function end(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
