import { createIssuer, type Issuer } from "../../packages/cli/dev/issuer.ts";
import {
  type FunctionProcess,
  startFunctionProcess,
} from "../../tools/support/processes/function_process.ts";
import { ANY_RATE } from "../support/room_client.ts";
import type { Backend, BackendKind } from "./backends.ts";
import { Disposables } from "./disposables.ts";
import { TcpProxy } from "./tcp_proxy.ts";

/** Disconnect grace period, in milliseconds. */
const GRACE_MS = 1_000;

/** Isolate in its own process. */
export interface Isolate {
  readonly process: FunctionProcess;
  /** Proxy between the isolate and the shared backend. */
  readonly proxy: TcpProxy;
}

/** Isolates with a shared backend and issuer. `await using` ends them all. */
export class Deployment implements AsyncDisposable {
  readonly issuer: Issuer;
  readonly backend: Backend;
  readonly isolates: readonly Isolate[];
  readonly #disposables: Disposables;

  private constructor(
    issuer: Issuer,
    backend: Backend,
    isolates: readonly Isolate[],
    disposables: Disposables,
  ) {
    this.issuer = issuer;
    this.backend = backend;
    this.isolates = isolates;
    this.#disposables = disposables;
  }

  /** Starts one isolate for each environment, which extends the default one. */
  static async start(
    kind: BackendKind,
    environments: readonly Readonly<Record<string, string>>[],
  ): Promise<Deployment> {
    const issuer = await createIssuer();
    await using disposables = new Disposables();
    const backend = disposables.use(await kind.start());
    const starting = environments.map(async (env): Promise<Isolate> => {
      const proxy = disposables.use(TcpProxy.open(backend.port));
      const process = await startFunctionProcess({
        env: {
          SUPABASE_JWKS: JSON.stringify(issuer.jwks),
          PRESENCE_GRACE_MS: `${GRACE_MS}`,
          HISTORY_MESSAGES: "20000",
          ...ANY_RATE,
          ...backend.env(proxy.port),
          ...env,
        },
      });
      disposables.use(process);
      return { process, proxy };
    });
    await Promise.allSettled(starting);
    const isolates = await Promise.all(starting);
    return new Deployment(issuer, backend, isolates, disposables.move());
  }

  /**
   * Finds an isolate by its number.
   * @throws {RangeError} when there is no such isolate
   */
  isolate(number: number): Isolate {
    const isolate = this.isolates[number];
    if (!isolate) throw new RangeError(`There is no isolate ${number}.`);
    return isolate;
  }

  /** Kills an isolate, which sends nothing more. */
  async kill(number: number): Promise<void> {
    const { process } = this.isolate(number);
    process.signal("SIGKILL");
    await process.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#disposables[Symbol.asyncDispose]();
  }
}
