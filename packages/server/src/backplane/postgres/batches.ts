import { BackplaneUnavailable, type Draft, type Ephemeral, type Stored } from "../contract.ts";
import { BatchColumns } from "./batch_columns.ts";
import type { Connector } from "./connector.ts";

const STATEMENT =
  `select rooms.publish_batch($1::text[], $2::text[], $3::text[], $4::int[], $5::text[], $6::text[],
  $7::text[], $8::text[], $9::text[], $10::text[], $11::bigint) as results`;

/** What batches are given. */
export interface BatchesOptions {
  /** How many messages one statement stores. A call's own stay together, however many they are. */
  readonly batch: number;
  /** How many may wait; more are refused. */
  readonly maxWaiting: number;
  readonly dedupeMs: number;
  /** Told when something was stored or told. */
  readonly onPublished: () => void;
}

/** One call that waits. */
interface Call {
  readonly room: string;
  readonly drafts: readonly Draft[];
  /** In place of drafts. */
  readonly ephemeral: Ephemeral | undefined;
  readonly stored: PromiseWithResolvers<readonly Stored[]>;
}

/**
 * What is published goes one statement after the other: all that came while the last one was under way goes with the next. The more
 * there is to do, the less each costs. When one fails, what waits behind it of the same connections fails too.
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

  /** Tells a message; see `Backplane.emit`. */
  async emit(room: string, message: Ephemeral): Promise<void> {
    await this.#add({ room, drafts: [], ephemeral: message });
  }

  #add(call: Omit<Call, "stored">): Promise<readonly Stored[]> {
    const size = sizeOf(call);
    if (this.#waiting > 0 && this.#waiting + size > this.#options.maxWaiting) {
      return Promise.reject(new BackplaneUnavailable("Too many messages wait for the database."));
    }
    const stored = Promise.withResolvers<readonly Stored[]>();
    this.#calls.push({ ...call, stored });
    this.#waiting += size;
    if (!this.#isBusy) void this.#work();
    return stored.promise;
  }

  async #work(): Promise<void> {
    this.#isBusy = true;
    // What else comes in this tick goes along.
    await Promise.resolve();
    while (this.#calls.length > 0) {
      const calls = this.#take();
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

  #take(): Call[] {
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

  /** Takes what waits of the connections whose drafts could not be stored: it must not be stored before they come again. */
  #takeBehind(failed: readonly Call[]): Call[] {
    const connections = new Set(failed.flatMap(connectionsOf));
    const isBehind = (call: Call) => connectionsOf(call).some((connection) => connections.has(connection));
    const behind = this.#calls.filter(isBehind);
    this.#calls = this.#calls.filter((call) => !isBehind(call));
    for (const call of behind) this.#waiting -= sizeOf(call);
    return behind;
  }

  /** One result a call, in the order of the calls. */
  async #store(calls: readonly Call[]): Promise<(readonly Stored[])[]> {
    await this.#connector.admit();
    const columns = new BatchColumns();
    for (const { room, drafts, ephemeral } of calls) {
      if (ephemeral) columns.addEphemeral(room, ephemeral);
      for (const draft of drafts) columns.addDraft(room, draft);
    }
    const [row] = await this.#connector.database.write<{ results: string }>(STATEMENT, [
      ...columns.parameters(),
      this.#options.dedupeMs,
    ]);
    const stored = columns.results(row?.results ?? "");
    let next = 0;
    return calls.map((call) => stored.slice(next, next += sizeOf(call)));
  }
}

function connectionsOf({ drafts }: Call): string[] {
  return drafts.flatMap(({ from }) => from.connection ?? []);
}

function sizeOf({ drafts, ephemeral }: Omit<Call, "stored">): number {
  return ephemeral ? 1 : drafts.length;
}
