import { deadline, delay } from "@std/async";
import { SeededRandom } from "../../support/seeded_random.ts";
import { TcpMember } from "../../support/wire/tcp_member.ts";
import type { ChurnedServer } from "./churned_server.ts";
import { SESSIONS, type SessionScript, SHARED_ROOMS } from "./sessions.ts";

/** Limit of one session; more than any needs on a busy machine. */
const SESSION_TIMEOUT_MS = 30_000;
/** Number of permanent members of each shared room. */
const STAYING = 2;

/** Options of a churn. */
interface ChurnOptions {
  /** Session scripts to choose from; default `SESSIONS`. */
  readonly scripts?: Readonly<Record<string, SessionScript>>;
}

/** Runs sessions of members against one server. `await using` closes the permanent members. */
export class Churn implements AsyncDisposable {
  readonly #server: ChurnedServer;
  readonly #random: SeededRandom;
  readonly #staying: readonly TcpMember[];
  readonly #scripts: readonly (readonly [name: string, script: SessionScript])[];
  readonly #inProgress = new Set<Promise<void>>();
  #sessions = 0;
  #failure: Error | undefined;

  private constructor(
    server: ChurnedServer,
    random: SeededRandom,
    { staying, scripts }: { staying: readonly TcpMember[]; scripts: Readonly<Record<string, SessionScript>> },
  ) {
    this.#server = server;
    this.#random = random;
    this.#scripts = Object.entries(scripts);
    this.#staying = staying;
  }

  /** Joins the permanent members. The seed decides every random choice. */
  static async begin(
    server: ChurnedServer,
    seed: number,
    { scripts = SESSIONS }: ChurnOptions = {},
  ): Promise<Churn> {
    const rooms = SHARED_ROOMS.flatMap((room) => Array.from({ length: STAYING }, () => room));
    const staying = await Promise.all(rooms.map(async (room, index) => {
      // Plain clients may be silent; their frames are read and dropped.
      const url = await server.roomUrl(room, `staying-${index}`);
      return await TcpMember.open(url, { plain: true, onFrame: () => {} });
    }));
    return new Churn(server, new SeededRandom(seed), { staying, scripts });
  }

  /** Number of started sessions. */
  get sessions(): number {
    return this.#sessions;
  }

  /**
   * Runs `count` sessions, `atOnce` at a time.
   * @throws {Error} the first failure, with the session's number
   */
  async run(count: number, atOnce: number = 4): Promise<void> {
    let left = count;
    const worker = async () => {
      while (left-- > 0) await this.#runOne();
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
    if (this.#failure) throw this.#failure;
  }

  /**
   * Starts `perSecond` sessions a second until the signal aborts.
   * @throws {Error} the first failure, with the session's number
   */
  async runUntil(signal: AbortSignal, perSecond: number): Promise<void> {
    while (!signal.aborted && !this.#failure) {
      const session = this.#runOne().finally(() => this.#inProgress.delete(session));
      this.#inProgress.add(session);
      await delay(1_000 / perSecond, { signal }).catch(() => {/* aborted */});
    }
    await Promise.all(this.#inProgress);
    if (this.#failure) throw this.#failure;
  }

  /** Resolves once only the permanent members are connected. */
  async settled(): Promise<void> {
    await this.#server.untilConnections(this.#staying.length);
  }

  async #runOne(): Promise<void> {
    const number = ++this.#sessions;
    const [name, script] = this.#random.pick(this.#scripts);
    const random = new SeededRandom(this.#random.below(2 ** 32 - 1));
    try {
      await deadline(script({ server: this.#server, random, number }), SESSION_TIMEOUT_MS);
    } catch (cause) {
      this.#failure ??= new Error(`Session ${number} (${name}) failed: ${cause}`, { cause });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#staying.map((member) => member[Symbol.asyncDispose]()));
  }
}
