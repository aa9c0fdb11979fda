/** A way to a server that can be made slow, cut, and closed; bytes are not looked at. `await using` ends it. */
export class TcpProxy implements AsyncDisposable {
  readonly port: number;
  /** How long bytes of each direction are held back, in milliseconds. */
  delayMs = 0;
  #targetPort: number;
  readonly #listener: Deno.TcpListener;
  readonly #open = new Map<Deno.TcpConn, Deno.TcpConn>();
  readonly #serving = new Set<Promise<void>>();
  #isShut = false;
  /** While answers are held back: resolves when they may go on. */
  #holding: PromiseWithResolvers<void> | undefined;

  private constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = (this.#listener.addr as Deno.NetAddr).port;
    this.#track(this.#accept());
  }

  /** Opens a way to a port of 127.0.0.1. */
  static open(targetPort: number): TcpProxy {
    return new TcpProxy(targetPort);
  }

  /** Holds back what the server says, from now on; what it is asked goes through. */
  holdAnswers(): void {
    this.#holding ??= Promise.withResolvers();
  }

  /** Leads elsewhere from now on: what is open is cut. */
  lead(targetPort: number): void {
    this.#targetPort = targetPort;
    this.cut();
  }

  /** Cuts all connections that there are; returns how many. */
  cut(): number {
    const count = this.#open.size;
    for (const [near, far] of this.#open) {
      end(near);
      end(far);
    }
    this.#open.clear();
    this.#holding?.resolve();
    this.#holding = undefined;
    return count;
  }

  /** Cuts all connections, and lets none through until `reopen`. */
  shut(): void {
    this.#isShut = true;
    this.cut();
  }

  /** Lets connections through again. */
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
    await Promise.all([this.#carry(near, far, false), this.#carry(far, near, true)]);
    this.#open.delete(near);
  }

  /** Carries bytes until either end is gone; then both are. Held bytes keep their order, and more are read meanwhile. */
  async #carry(from: Deno.TcpConn, to: Deno.TcpConn, isAnswer: boolean): Promise<void> {
    let last = Promise.resolve();
    try {
      for (;;) {
        const bytes = new Uint8Array(65_536);
        const count = await from.read(bytes);
        if (count === null) break;
        if (isAnswer) await this.#holding?.promise;
        const ready = this.delayMs > 0 ? passed(this.delayMs) : Promise.resolve();
        last = Promise.all([last, ready]).then(() => writeAll(to, bytes.subarray(0, count)));
        last.catch(() => end(from));
      }
      await last;
    } catch {
      await last.catch(() => {/* one end is gone, and so is the other */});
    }
    end(from);
    end(to);
  }

  #track(serving: Promise<void>): void {
    this.#serving.add(serving);
    void serving.finally(() => this.#serving.delete(serving));
  }
}

/** What a line is slow by, and nothing that a test waits for. */
function passed(ms: number): Promise<void> {
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
