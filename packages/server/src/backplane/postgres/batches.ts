import { BackplaneUnavailable, type Draft, type Ephemeral, type Stored } from "../contract.ts";
import { BatchColumns } from "./batch_columns.ts";
import type { Connector } from "./connector.ts";
import { sqlStateOf } from "./database.ts";
import { LockedRooms } from "./locked_rooms.ts";
import { type Call, connectionsOf, rejectAll, sizeOf } from "./publish_call.ts";

const STATEMENT =
  `select rooms.publish_batch($1::text[], $2::text[], $3::text[], $4::int[], $5::text[], $6::text[],
  $7::text[], $8::text[], $9::text[], $10::text[], $11::bigint,
  $12::boolean) as results`;
/**
 * Bytes from which postgres 3.4.9 writes a statement at once. It puts a smaller one off with
 * `setImmediate`, which takes 1.4 ms on Deno 2.1.4. Spaces in front of a number fill it up.
 */
const WRITTEN_AT_ONCE = 1_024;
/** SQLSTATE of a lock that was waited for in vain. */
const LOCK_NOT_AVAILABLE = "55P03";
/** Part of the queue that one locked room may take. */
const LOCKED_SHARE = 1 / 10;

/** Options of `Batches`. */
export interface BatchesOptions {
  /**
   * Maximum messages per statement. The drafts of one call stay together, however many they are.
   */
  readonly batch: number;
  /** Maximum queued messages; further calls are rejected. */
  readonly maxWaiting: number;
  readonly dedupeMs: number;
  /** Time after which calls for a locked room are rejected, in milliseconds. */
  readonly statementMs: number;
  /** Called after each statement that stored or broadcast messages. */
  readonly onPublished: () => void;
}

/**
 * Publishes one statement at a time. Calls that arrive while a statement runs share the next one,
 * so the cost per message falls as the load rises. If a statement fails, queued calls of the same
 * connections fail too. Durable messages of a room that another transaction has locked leave the
 * batch, and are tried again by themselves (`LockedRooms`).
 */
export class Batches {
  readonly #connector: Connector;
  readonly #options: BatchesOptions;
  #calls: Call[] = [];
  #waiting = 0;
  #isBusy = false;
  readonly #locked: LockedRooms;

  constructor(connector: Connector, options: BatchesOptions) {
    this.#connector = connector;
    this.#options = options;
    this.#locked = new LockedRooms({
      maxPerRoom: Math.ceil(options.maxWaiting * LOCKED_SHARE),
      patienceMs: options.statementMs,
      onDue: () => this.#start(),
    });
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
    await this.#send(new BatchColumns(), false);
  }

  /** Rejects the calls that wait for a locked room. */
  close(): void {
    this.#locked.close();
  }

  #add(added: Omit<Call, "stored">): Promise<readonly Stored[]> {
    const call: Call = { ...added, stored: Promise.withResolvers() };
    const size = sizeOf(call);
    const { maxWaiting } = this.#options;
    if (isDurable(call) && this.#locked.has(call.room)) {
      this.#locked.add(call);
    } else if (this.#waiting > 0 && this.#waiting + size > maxWaiting) {
      call.stored.reject(
        new BackplaneUnavailable(
          `Too many messages are queued for Postgres: ${this.#waiting} of ${maxWaiting}. Retry later.`,
        ),
      );
    } else {
      this.#calls.push(call);
      this.#waiting += size;
      this.#start();
    }
    return call.stored.promise;
  }

  #start(): void {
    if (!this.#isBusy) void this.#publishQueued();
  }

  async #publishQueued(): Promise<void> {
    this.#isBusy = true;
    // Later calls of this tick join the first batch.
    await Promise.resolve();
    for (;;) {
      if (this.#calls.length > 0) await this.#publishBatch(this.#takeBatch());
      else if (!this.#locked.isDue) break;
      if (this.#locked.isDue) await this.#publishDue(this.#locked.takeDue(this.#options.batch));
    }
    this.#isBusy = false;
  }

  async #publishBatch(calls: readonly Call[]): Promise<void> {
    try {
      const results = await this.#store(calls, false).catch((error: unknown) => {
        if (sqlStateOf(error) !== LOCK_NOT_AVAILABLE) throw error;
        return this.#store(calls, true);
      });
      for (const [index, call] of calls.entries()) {
        const stored = results[index];
        if (stored) call.stored.resolve(stored);
        else this.#locked.add(call);
      }
      this.#postponeLocked(calls);
      this.#options.onPublished();
    } catch (error) {
      rejectAll([...calls, ...this.#takeBehind(calls)], error);
    }
  }

  /** Tries the calls of locked rooms again, without waiting for a lock. */
  async #publishDue(calls: readonly Call[]): Promise<void> {
    try {
      const results = await this.#store(calls, true);
      for (const [index, call] of calls.entries()) {
        const stored = results[index];
        if (!stored) continue;
        this.#locked.settle(call);
        call.stored.resolve(stored);
      }
      for (const [index, { room }] of calls.entries()) if (!results[index]) this.#locked.postpone(room);
      this.#options.onPublished();
    } catch (error) {
      for (const { room } of calls) this.#locked.reject(room, error);
    }
  }

  /** Puts queued calls of rooms that were left out behind those, and starts their pauses. */
  #postponeLocked(calls: readonly Call[]): void {
    const isBehind = (call: Call) => isDurable(call) && this.#locked.has(call.room);
    for (const call of this.#take(isBehind)) this.#locked.add(call);
    for (const { room } of calls) this.#locked.postpone(room);
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
    return this.#take((call) => connectionsOf(call).some((connection) => connections.has(connection)));
  }

  /** Removes queued calls that match. */
  #take(matches: (call: Call) => boolean): Call[] {
    const taken = this.#calls.filter(matches);
    if (taken.length === 0) return taken;
    this.#calls = this.#calls.filter((call) => !matches(call));
    for (const call of taken) this.#waiting -= sizeOf(call);
    return taken;
  }

  /**
   * Stores calls; returns one result per call, in call order. Undefined stands for a call whose
   * room is locked.
   */
  async #store(
    calls: readonly Call[],
    skipsLocked: boolean,
  ): Promise<(readonly Stored[] | undefined)[]> {
    await this.#connector.admit();
    const columns = new BatchColumns();
    for (const { room, drafts, ephemeral } of calls) {
      if (ephemeral) columns.addEphemeral(room, ephemeral);
      for (const draft of drafts) columns.addDraft(room, draft);
    }
    const stored = columns.results(await this.#send(columns, skipsLocked));
    let next = 0;
    return calls.map((call) => {
      const results = stored.slice(next, next += sizeOf(call));
      return results.every((result) => result !== undefined) ? results : undefined;
    });
  }

  async #send(columns: BatchColumns, skipsLocked: boolean): Promise<string> {
    const [row] = await this.#connector.database.write<{ results: string }>(STATEMENT, [
      ...columns.parameters(),
      `${this.#options.dedupeMs}`.padStart(WRITTEN_AT_ONCE),
      skipsLocked,
    ]);
    return row?.results ?? "";
  }
}

function isDurable({ ephemeral }: Pick<Call, "ephemeral">): boolean {
  return ephemeral === undefined;
}
