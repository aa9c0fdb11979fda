import {
  type Backplane,
  BackplaneUnavailable,
  type Draft,
  type Stored,
} from "../../packages/server/src/backplane/contract.ts";
import { eventually } from "../../tools/support/eventually.ts";

/** Result of a call. `unknown` is stored but fails, as when the answer is lost. */
export type CallResult = "stored" | "refused" | "unknown";

interface Call {
  readonly room: string;
  readonly drafts: readonly Draft[];
  readonly outcome: PromiseWithResolvers<readonly Stored[]>;
}

/**
 * Store whose calls wait until the test decides their results, in order, as on Postgres and Redis.
 */
export class ControlledStore {
  readonly #backplane: Pick<Backplane, "publish">;
  #calls: Call[] = [];

  /** Stores messages in `backplane`. */
  constructor(backplane: Pick<Backplane, "publish">) {
    this.#backplane = backplane;
  }

  /** Replaces the backplane's method. */
  readonly publish: Backplane["publish"] = (room, drafts) => {
    const outcome = Promise.withResolvers<readonly Stored[]>();
    this.#calls.push({ room, drafts, outcome });
    return outcome.promise;
  };

  /** Number of pending calls. */
  get waiting(): number {
    return this.#calls.length;
  }

  /** Waits for a number of pending calls. */
  async untilWaiting(count: number): Promise<void> {
    await eventually(() => Promise.resolve(this.waiting), (waiting) => waiting >= count);
  }

  /** Decides the oldest calls. A failure also fails later calls of the same connections. */
  async decide(
    result: CallResult,
    count: number = this.waiting,
    error: Error = new BackplaneUnavailable("away"),
  ): Promise<void> {
    const calls = this.#calls.splice(0, count);
    for (const { room, drafts, outcome } of calls) {
      if (result === "refused") continue;
      const stored = await this.#backplane.publish(room, drafts);
      if (result === "stored") outcome.resolve(stored);
    }
    if (result === "stored") return;
    const connections = new Set(calls.map(connectionOf));
    const isBehind = (call: Call) => connections.has(connectionOf(call));
    const refused = [...calls, ...this.#calls.filter(isBehind)];
    this.#calls = this.#calls.filter((call) => !isBehind(call));
    for (const { outcome } of refused) outcome.reject(error);
  }
}

function connectionOf({ drafts: [draft] }: Call): string | undefined {
  return draft?.from.connection;
}
