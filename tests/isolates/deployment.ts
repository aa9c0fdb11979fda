import { createIssuer, type Issuer } from "../../packages/cli/dev/issuer.ts";
import {
  type FunctionProcess,
  startFunctionProcess,
} from "../../tools/support/processes/function_process.ts";
import { ANY_RATE } from "../support/room_client.ts";
import type { Backend, BackendKind } from "./backends.ts";
import { Owned } from "./owned.ts";
import { TcpProxy } from "./tcp_proxy.ts";

/** How long entries of lost connections stay, in milliseconds. */
const GRACE_MS = 1_000;

/** An isolate: a process of its own. */
export interface Isolate {
  readonly process: FunctionProcess;
  /** Its way to what the isolates share. */
  readonly way: TcpProxy;
}

/** Isolates that share a backend and an issuer. `await using` ends them all. */
export class Deployment implements AsyncDisposable {
  readonly issuer: Issuer;
  readonly backend: Backend;
  readonly isolates: readonly Isolate[];
  readonly #owned: Owned;

  private constructor(
    issuer: Issuer,
    backend: Backend,
    isolates: readonly Isolate[],
    owned: Owned,
  ) {
    this.issuer = issuer;
    this.backend = backend;
    this.isolates = isolates;
    this.#owned = owned;
  }

  /** Starts one isolate for each environment, which is added to the usual one. */
  static async start(
    kind: BackendKind,
    environments: readonly Readonly<Record<string, string>>[],
  ): Promise<Deployment> {
    const issuer = await createIssuer();
    await using owned = new Owned();
    const backend = owned.use(await kind.start());
    const starting = environments.map(async (env): Promise<Isolate> => {
      const way = owned.use(TcpProxy.open(backend.port));
      const process = await startFunctionProcess({
        env: {
          SUPABASE_JWKS: JSON.stringify(issuer.jwks),
          PRESENCE_GRACE_MS: `${GRACE_MS}`,
          HISTORY_MESSAGES: "20000",
          ...ANY_RATE,
          ...backend.env(way.port),
          ...env,
        },
      });
      owned.use(process);
      return { process, way };
    });
    await Promise.allSettled(starting);
    const isolates = await Promise.all(starting);
    return new Deployment(issuer, backend, isolates, owned.move());
  }

  /** One of the isolates. @throws {RangeError} where there is none of this number */
  isolate(number: number): Isolate {
    const isolate = this.isolates[number];
    if (!isolate) throw new RangeError(`There is no isolate ${number}.`);
    return isolate;
  }

  /** Kills an isolate: it says nothing more to anybody. */
  async kill(number: number): Promise<void> {
    const { process } = this.isolate(number);
    process.signal("SIGKILL");
    await process.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned[Symbol.asyncDispose]();
  }
}
