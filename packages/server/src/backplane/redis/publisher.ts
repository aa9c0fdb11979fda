import { BackplaneUnavailable, type Draft, type Stored } from "../contract.ts";
import type { Address } from "./address.ts";
import { draftRecord, publishKey } from "./redis_records.ts";
import type { RedisServer } from "./redis_server.ts";

/** Maximum size of one script's drafts, in characters: Redis serves no one else during a script. */
const MAX_BATCH_CHARACTERS = 1_000_000;

/** A pending draft in the stored format. */
interface PendingDraft {
  readonly call: PublishCall;
  readonly key: string;
  readonly record: string;
}

/** One call of `publish`. */
interface PublishCall {
  /** Connections that sent the drafts; drafts from outside a socket have none. */
  readonly connections: ReadonlySet<string>;
  /** Number of drafts without a result. */
  remaining: number;
  readonly stored: Stored[];
  readonly outcome: PromiseWithResolvers<readonly Stored[]>;
}

/**
 * Stores one room's drafts in batches. Drafts that arrive during a script go into the next batch.
 * This keeps their order, and lowers the cost per draft in a busy room.
 */
export class Publisher {
  readonly #server: RedisServer;
  readonly #address: Address;
  readonly #onIdle: () => void;
  #pending: PendingDraft[] = [];
  #isRunning = false;

  /** `onIdle` runs once no draft is pending. */
  constructor(server: RedisServer, address: Address, onIdle: () => void) {
    this.#server = server;
    this.#address = address;
    this.#onIdle = onIdle;
  }

  /** See `Backplane.publish`. */
  publish(drafts: readonly Draft[]): Promise<readonly Stored[]> {
    const connections = new Set(drafts.flatMap(({ from }) => from.connection ?? []));
    const call: PublishCall = {
      connections,
      remaining: drafts.length,
      stored: [],
      outcome: Promise.withResolvers(),
    };
    for (const draft of drafts) {
      const key = `${this.#address.channel}:id:${publishKey(draft)}`;
      this.#pending.push({ call, key, record: draftRecord(draft) });
    }
    if (!this.#isRunning) {
      this.#isRunning = true;
      void this.#run();
    }
    return call.outcome.promise;
  }

  async #run(): Promise<void> {
    // Drafts of the same tick share a batch.
    await Promise.resolve();
    while (this.#pending.length > 0) {
      const batch = this.#takeBatch();
      try {
        const reply = await this.#server.script(
          "publish",
          this.#address,
          batch.map(({ key }) => key),
          batch.map(({ record }) => record),
        );
        resolveBatch(batch, reply);
      } catch (error) {
        this.#reject(batch, error);
      }
    }
    this.#isRunning = false;
    this.#onIdle();
  }

  /** Removes the next batch from the pending drafts. */
  #takeBatch(): PendingDraft[] {
    let characters = 0;
    let count = 0;
    for (const { key, record } of this.#pending) {
      characters += key.length + record.length;
      if (count >= this.#server.options.batch || (count > 0 && characters > MAX_BATCH_CHARACTERS)) break;
      count++;
    }
    return this.#pending.splice(0, count);
  }

  /**
   * Rejects all calls of a batch as a whole, and pending calls of the same connections. So the
   * messages of a connection keep their order when the client repeats them.
   */
  #reject(batch: readonly PendingDraft[], error: unknown): void {
    const rejected = new Set(batch.map(({ call }) => call));
    const connections = new Set([...rejected].flatMap((call) => [...call.connections]));
    for (const { call } of this.#pending) {
      if (!call.connections.isDisjointFrom(connections)) rejected.add(call);
    }
    this.#pending = this.#pending.filter(({ call }) => !rejected.has(call));
    const cause = error instanceof Error
      ? error
      : new BackplaneUnavailable("Redis rejected the publish. Retry.", { cause: error });
    for (const { outcome } of rejected) outcome.reject(cause);
  }
}

function resolveBatch(batch: readonly PendingDraft[], reply: readonly unknown[]): void {
  const offsets: unknown = reply[2];
  if (!Array.isArray(offsets) || offsets.length !== batch.length) {
    throw new Error("Redis returned an unexpected reply to the publish script.");
  }
  for (const [index, { call }] of batch.entries()) {
    const offset = Number(offsets[index]);
    call.stored.push({ offset: Math.abs(offset), duplicate: offset < 0 });
    if (--call.remaining === 0) call.outcome.resolve(call.stored);
  }
}
