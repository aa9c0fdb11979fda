import { deadline, delay } from "@std/async";
import { SeededRandom } from "../../support/seeded_random.ts";
import { TcpMember } from "../../support/wire/tcp_member.ts";
import type { ChurnedServer } from "./churned_server.ts";
import { SHARED_ROOMS, type Visitor, VISITORS } from "./visits.ts";

/** More than any visit takes on a busy machine. */
const VISIT_PATIENCE_MS = 30_000;
/** Members that stay in each shared room all the time. */
const STAYING = 2;

/** Choice of visitors. */
export interface ChurnOptions {
  /** Everybody by default: some of `VISITORS`, or others. */
  readonly visitors?: Readonly<Record<string, Visitor>>;
}

/** Members that come and go at one server. `await using` lets those go that stay. */
export class Churn implements AsyncDisposable {
  readonly #server: ChurnedServer;
  readonly #random: SeededRandom;
  readonly #staying: readonly TcpMember[];
  readonly #visitors: readonly (readonly [name: string, visitor: Visitor])[];
  readonly #under = new Set<Promise<void>>();
  #visits = 0;
  #failure: Error | undefined;

  private constructor(
    server: ChurnedServer,
    random: SeededRandom,
    { staying, visitors }: { staying: readonly TcpMember[]; visitors: Readonly<Record<string, Visitor>> },
  ) {
    this.#server = server;
    this.#random = random;
    this.#visitors = Object.entries(visitors);
    this.#staying = staying;
  }

  /** Joins the members that stay. The seed decides what visitors do. */
  static async begin(
    server: ChurnedServer,
    seed: number,
    { visitors = VISITORS }: ChurnOptions = {},
  ): Promise<Churn> {
    const rooms = SHARED_ROOMS.flatMap((room) => Array.from({ length: STAYING }, () => room));
    const staying = await Promise.all(rooms.map(async (room, index) => {
      // Plain: they may be silent, and what comes is read and forgotten.
      const url = await server.roomUrl(room, `staying-${index}`);
      return await TcpMember.open(url, { plain: true, onFrame: () => {} });
    }));
    return new Churn(server, new SeededRandom(seed), { staying, visitors });
  }

  /** Visits so far, those in progress included. */
  get visits(): number {
    return this.#visits;
  }

  /** Makes `count` visits, a few at a time. @throws {Error} the first failure, with the visit's number */
  async visit(count: number, atOnce: number = 4): Promise<void> {
    let left = count;
    const worker = async () => {
      while (left-- > 0) await this.#visit();
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
    if (this.#failure) throw this.#failure;
  }

  /** Makes `perSecond` visits a second until the signal. @throws {Error} the first failure, with the visit's number */
  async visitUntil(signal: AbortSignal, perSecond: number): Promise<void> {
    while (!signal.aborted && !this.#failure) {
      const visit = this.#visit().finally(() => this.#under.delete(visit));
      this.#under.add(visit);
      await delay(1_000 / perSecond, { signal }).catch(() => {/* it is over */});
    }
    await Promise.all(this.#under);
    if (this.#failure) throw this.#failure;
  }

  /** Resolves when only the members that stay are connected. */
  async settled(): Promise<void> {
    await this.#server.untilConnections(this.#staying.length);
  }

  async #visit(): Promise<void> {
    const number = ++this.#visits;
    const [name, visitor] = this.#random.pick(this.#visitors);
    const random = new SeededRandom(this.#random.below(2 ** 32 - 1));
    try {
      await deadline(visitor({ server: this.#server, random, number }), VISIT_PATIENCE_MS);
    } catch (cause) {
      this.#failure ??= new Error(`Visit ${number} (${name}) failed: ${cause}`, { cause });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#staying.map((member) => member[Symbol.asyncDispose]()));
  }
}
