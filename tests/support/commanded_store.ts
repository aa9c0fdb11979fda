import {
  type Backplane,
  BackplaneUnavailable,
  type Draft,
  type Stored,
} from "../../packages/server/src/backplane/contract.ts";
import { eventually } from "../../tools/support/eventually.ts";

/** What becomes of a call: `unknown` is stored, and said not to be, as when the answer is lost. */
export type Fate = "stored" | "refused" | "unknown";

interface Call {
  readonly room: string;
  readonly drafts: readonly Draft[];
  readonly outcome: PromiseWithResolvers<readonly Stored[]>;
}

/** Where messages wait to be stored until the test says what becomes of them, first come first served, as on Postgres and Redis. */
export class CommandedStore {
  readonly #backplane: Pick<Backplane, "publish">;
  #calls: Call[] = [];

  /** What is stored is stored in `backplane`. */
  constructor(backplane: Pick<Backplane, "publish">) {
    this.#backplane = backplane;
  }

  /** In place of the backplane's. */
  readonly publish: Backplane["publish"] = (room, drafts) => {
    const outcome = Promise.withResolvers<readonly Stored[]>();
    this.#calls.push({ room, drafts, outcome });
    return outcome.promise;
  };

  /** How many calls wait. */
  get waiting(): number {
    return this.#calls.length;
  }

  /** Waits until so many calls wait. */
  async untilWaiting(count: number): Promise<void> {
    await eventually(() => Promise.resolve(this.waiting), (waiting) => waiting >= count);
  }

  /** Decides on the calls that came first; where they fail, so do those behind them of the same connections, with the same error. */
  async decide(
    fate: Fate,
    count: number = this.waiting,
    error: Error = new BackplaneUnavailable("away"),
  ): Promise<void> {
    const calls = this.#calls.splice(0, count);
    for (const { room, drafts, outcome } of calls) {
      if (fate === "refused") continue;
      const stored = await this.#backplane.publish(room, drafts);
      if (fate === "stored") outcome.resolve(stored);
    }
    if (fate === "stored") return;
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
