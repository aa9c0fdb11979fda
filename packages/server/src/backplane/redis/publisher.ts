import { BackplaneUnavailable, type Draft, type Stored } from "../contract.ts";
import type { Address } from "./address.ts";
import { draftRecord, publishKey } from "./redis_records.ts";
import type { RedisServer } from "./redis_server.ts";

/** What one script takes at most, in characters: the server does nothing else meanwhile. */
const MAX_CHARACTERS = 1_000_000;

/** A draft that waits, as it is stored. */
interface Waiting {
  readonly call: Call;
  readonly key: string;
  readonly record: string;
}

/** One call of `publish`. */
interface Call {
  /** Whose drafts they are; those not sent over a socket are nobody's. */
  readonly connections: ReadonlySet<string>;
  /** Counted down with each draft. */
  left: number;
  readonly stored: Stored[];
  readonly outcome: PromiseWithResolvers<readonly Stored[]>;
}

/**
 * Stores one room's drafts. All that come while a script is under way go together with the next one: so they keep their order,
 * and the busier the room the less each one costs.
 */
export class Publisher {
  readonly #server: RedisServer;
  readonly #address: Address;
  readonly #onIdle: () => void;
  #waiting: Waiting[] = [];
  #isRunning = false;

  /** `onIdle` is called when nothing is left to do. */
  constructor(server: RedisServer, address: Address, onIdle: () => void) {
    this.#server = server;
    this.#address = address;
    this.#onIdle = onIdle;
  }

  /** See `Backplane.publish`. */
  publish(drafts: readonly Draft[]): Promise<readonly Stored[]> {
    const connections = new Set(drafts.flatMap(({ from }) => from.connection ?? []));
    const call: Call = { connections, left: drafts.length, stored: [], outcome: Promise.withResolvers() };
    for (const draft of drafts) {
      const key = `${this.#address.channel}:id:${publishKey(draft)}`;
      this.#waiting.push({ call, key, record: draftRecord(draft) });
    }
    if (!this.#isRunning) {
      this.#isRunning = true;
      void this.#run();
    }
    return call.outcome.promise;
  }

  async #run(): Promise<void> {
    // What is published in the same turn goes along.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#take();
      try {
        const reply = await this.#server.script(
          "publish",
          this.#address,
          batch.map(({ key }) => key),
          batch.map(({ record }) => record),
        );
        settle(batch, reply);
      } catch (error) {
        this.#refuse(batch, error);
      }
    }
    this.#isRunning = false;
    this.#onIdle();
  }

  /** Takes what one script may store. */
  #take(): Waiting[] {
    let characters = 0;
    let count = 0;
    for (const { key, record } of this.#waiting) {
      characters += key.length + record.length;
      if (count >= this.#server.settings.batch || (count > 0 && characters > MAX_CHARACTERS)) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  /**
   * A call is refused as a whole, with what of it still waits, and so are those of the same connections behind it: all keep their
   * order when they are repeated.
   */
  #refuse(batch: readonly Waiting[], error: unknown): void {
    const refused = new Set(batch.map(({ call }) => call));
    const connections = new Set([...refused].flatMap((call) => [...call.connections]));
    for (const { call } of this.#waiting) {
      if (!call.connections.isDisjointFrom(connections)) refused.add(call);
    }
    this.#waiting = this.#waiting.filter(({ call }) => !refused.has(call));
    const cause = error instanceof Error
      ? error
      : new BackplaneUnavailable("Redis did not store it.", { cause: error });
    for (const { outcome } of refused) outcome.reject(cause);
  }
}

function settle(batch: readonly Waiting[], reply: readonly unknown[]): void {
  const offsets: unknown = reply[2];
  if (!Array.isArray(offsets) || offsets.length !== batch.length) {
    throw new Error("Redis answered what no script answers.");
  }
  for (const [index, { call }] of batch.entries()) {
    const offset = Number(offsets[index]);
    call.stored.push({ offset: Math.abs(offset), duplicate: offset < 0 });
    if (--call.left === 0) call.outcome.resolve(call.stored);
  }
}
