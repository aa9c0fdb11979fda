import { BackplaneUnavailable, type Draft, type Ephemeral, type Stored } from "../contract.ts";
import { BatchColumns } from "./batch_columns.ts";
import type { Connector } from "./connector.ts";

const STATEMENT =
  `select rooms.publish_batch($1::text[], $2::text[], $3::text[], $4::int[], $5::text[], $6::text[],
  $7::text[], $8::text[], $9::text[], $10::text[], $11::bigint) as results`;

/** Options of `Batches`. */
export interface BatchesOptions {
  /**
   * Maximum messages per statement. The drafts of one call stay together, however many they are.
   */
  readonly batch: number;
  /** Maximum queued messages; further calls are rejected. */
  readonly maxWaiting: number;
  readonly dedupeMs: number;
  /** Called after each statement that stored or broadcast messages. */
  readonly onPublished: () => void;
}

/** One queued call. */
interface Call {
  readonly room: string;
  readonly drafts: readonly Draft[];
  /** Replaces the drafts: the call emits this message. */
  readonly ephemeral: Ephemeral | undefined;
  readonly stored: PromiseWithResolvers<readonly Stored[]>;
}

/**
 * Publishes one statement at a time. Calls that arrive while a statement runs share the next one,
 * so the cost per message falls as the load rises. If a statement fails, queued calls of the same
 * connections fail too.
 */
export class Batches {
  readonly #connector: Connector;
  readonly #options: BatchesOptions;
  #calls: Call[] = [];
  #waiting = 0;
  #isBusy = false;

  constructor(connector: Connector, options: BatchesOptions) {
    this.#connector = connector;
    this.#options = options;
  }

  /** Stores drafts; see `Backplane.publish`. */
  publish(room: string, drafts: readonly Draft[]): Promise<readonly Stored[]> {
    return this.#add({ room, drafts, ephemeral: undefined });
  }

  /** Broadcasts a message without storing it; see `Backplane.emit`. */
  async emit(room: string, message: Ephemeral): Promise<void> {
    await this.#add({ room, drafts: [], ephemeral: message });
  }

  /** Publishes nothing. Rejects if Postgres would store nothing, for example without the rights. */
  async probe(): Promise<void> {
    await this.#send(new BatchColumns());
  }

  #add(call: Omit<Call, "stored">): Promise<readonly Stored[]> {
    const size = sizeOf(call);
    const { maxWaiting } = this.#options;
    if (this.#waiting > 0 && this.#waiting + size > maxWaiting) {
      return Promise.reject(
        new BackplaneUnavailable(
          `Too many messages are queued for Postgres: ${this.#waiting} of ${maxWaiting}. Retry later.`,
        ),
      );
    }
    const stored = Promise.withResolvers<readonly Stored[]>();
    this.#calls.push({ ...call, stored });
    this.#waiting += size;
    if (!this.#isBusy) void this.#publishQueued();
    return stored.promise;
  }

  async #publishQueued(): Promise<void> {
    this.#isBusy = true;
    // Later calls of this tick join the first batch.
    await Promise.resolve();
    while (this.#calls.length > 0) {
      const calls = this.#takeBatch();
      try {
        const results = await this.#store(calls);
        for (const [index, { stored }] of calls.entries()) stored.resolve(results[index] ?? []);
        this.#options.onPublished();
      } catch (error) {
        for (const { stored } of [...calls, ...this.#takeBehind(calls)]) stored.reject(error);
      }
    }
    this.#isBusy = false;
  }

  #takeBatch(): Call[] {
    let count = 0;
    let size = 0;
    for (const call of this.#calls) {
      size += sizeOf(call);
      if (count > 0 && size > this.#options.batch) break;
      count++;
      this.#waiting -= sizeOf(call);
    }
    return this.#calls.splice(0, count);
  }

  /**
   * Removes queued calls of connections whose drafts failed. Storing them now would put them
   * before the retry of the failed drafts.
   */
  #takeBehind(failed: readonly Call[]): Call[] {
    const connections = new Set(failed.flatMap(connectionsOf));
    const isBehind = (call: Call) => connectionsOf(call).some((connection) => connections.has(connection));
    const behind = this.#calls.filter(isBehind);
    this.#calls = this.#calls.filter((call) => !isBehind(call));
    for (const call of behind) this.#waiting -= sizeOf(call);
    return behind;
  }

  /** Returns one result per call, in call order. */
  async #store(calls: readonly Call[]): Promise<(readonly Stored[])[]> {
    await this.#connector.admit();
    const columns = new BatchColumns();
    for (const { room, drafts, ephemeral } of calls) {
      if (ephemeral) columns.addEphemeral(room, ephemeral);
      for (const draft of drafts) columns.addDraft(room, draft);
    }
    const stored = columns.results(await this.#send(columns));
    let next = 0;
    return calls.map((call) => stored.slice(next, next += sizeOf(call)));
  }

  async #send(columns: BatchColumns): Promise<string> {
    const [row] = await this.#connector.database.write<{ results: string }>(STATEMENT, [
      ...columns.parameters(),
      this.#options.dedupeMs,
    ]);
    return row?.results ?? "";
  }
}

function connectionsOf({ drafts }: Call): string[] {
  return drafts.flatMap(({ from }) => from.connection ?? []);
}

function sizeOf({ drafts, ephemeral }: Omit<Call, "stored">): number {
  return ephemeral ? 1 : drafts.length;
}
