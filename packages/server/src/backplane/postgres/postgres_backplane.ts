import {
  type Backplane,
  BackplaneUnavailable,
  type Draft,
  type Ephemeral,
  type Page,
  type PageRequest,
  type PresenceEntry,
  type Resumption,
  type RoomEvent,
  type Stored,
  type Subscription,
} from "../contract.ts";
import { Batches } from "./batches.ts";
import { Connector } from "./connector.ts";
import { RoomStreams } from "./room_streams.ts";
import { type PostgresOptions, type ResolvedOptions, withDefaults } from "./postgres_options.ts";
import { PostgresPresence } from "./postgres_presence.ts";
import { PostgresValues } from "./postgres_values.ts";
import { readPage } from "./read_page.ts";
import { STAGED_CHANNEL, StagedMessages } from "./staged_messages.ts";
import { PeriodicJobs } from "./periodic_jobs.ts";
import { trimRooms } from "./trim_rooms.ts";
import { withTimeout } from "../with_timeout.ts";

/**
 * Time that a normal close may take to report its departures to Postgres, in milliseconds.
 * Otherwise the entries leave when the lease expires.
 */
const CLOSE_MS = 2_000;

/**
 * Creates the backplane of one isolate on a Postgres with the schema of supabase/migrations. It
 * connects and reconnects by itself. Calls wait for the first attempt.
 */
export function createPostgresBackplane(options: PostgresOptions): Backplane {
  return new PostgresBackplane(options);
}

/** The backplane of one isolate on Postgres. */
export class PostgresBackplane implements Backplane {
  readonly #options: ResolvedOptions;
  readonly #connector: Connector;
  readonly #streams: RoomStreams;
  readonly #batches: Batches;
  readonly #presence: PostgresPresence;
  readonly #staged: StagedMessages;
  readonly #values: PostgresValues;
  readonly #jobs: PeriodicJobs;
  #closing: Promise<void> | undefined;
  #isConnected = false;

  constructor(options: PostgresOptions) {
    const resolved = this.#options = withDefaults(options);
    const { retention, random, onEvent } = resolved;
    this.#connector = new Connector(resolved, {
      onNotification: (channel, payload) => {
        if (channel === STAGED_CHANNEL) this.#staged.wake();
        else this.#streams.notify(channel, payload);
      },
      onConnected: async (listener) => {
        await this.#batches.probe();
        await this.#presence.renew(listener === undefined);
        await listener?.listen(STAGED_CHANNEL);
        await this.#streams.connected(listener);
        this.#isConnected = true;
        this.#staged.wake();
      },
      onLost: () => {
        this.#isConnected = false;
        this.#streams.lost();
      },
    });
    this.#streams = new RoomStreams(this.#connector, resolved);
    const wake = () => this.#streams.wake();
    this.#batches = new Batches(this.#connector, {
      ...resolved,
      dedupeMs: retention.dedupeMs,
      onPublished: wake,
    });
    this.#presence = new PostgresPresence(this.#connector, { ...resolved, onChanged: wake });
    this.#staged = new StagedMessages(this.#connector, {
      ...resolved,
      isolate: this.#presence.isolate,
      dedupeMs: retention.dedupeMs,
      onPublished: wake,
    });
    this.#values = new PostgresValues(this.#connector);
    this.#jobs = new PeriodicJobs({
      jobs: [
        { everyMs: resolved.leaseMs / 3, run: () => this.#presence.renew() },
        { everyMs: resolved.sweepMs, run: () => this.#presence.sweep() },
        { everyMs: resolved.sweepMs, run: () => this.#staged.check() },
        { everyMs: resolved.trimMs, run: () => this.trim() },
        { everyMs: resolved.unusedRoomMs / 3, run: () => this.#streams.keepUnused() },
      ],
      isConnected: () => this.#isConnected,
      onEvent,
      random,
    });
  }

  /** Id of the isolate in the database. */
  get isolate(): string {
    return this.#presence.isolate;
  }

  async publish(room: string, drafts: readonly Draft[]): Promise<readonly Stored[]> {
    this.#throwIfClosed();
    return drafts.length === 0 ? [] : await this.#batches.publish(room, drafts);
  }

  async emit(room: string, message: Ephemeral): Promise<void> {
    this.#throwIfClosed();
    await this.#batches.emit(room, message);
  }

  async subscribe(room: string, deliver: (event: RoomEvent) => void): Promise<Subscription> {
    this.#throwIfClosed();
    return await this.#streams.subscribe(room, deliver);
  }

  async history(room: string, page: PageRequest): Promise<Page> {
    this.#throwIfClosed();
    await this.#connector.admit();
    return await readPage(this.#connector.database, this.#options.retention, room, page);
  }

  async enter(room: string, entry: PresenceEntry): Promise<void> {
    this.#throwIfClosed();
    await this.#presence.enter(room, entry);
  }

  async resume(room: string, connection: Resumption): Promise<void> {
    this.#throwIfClosed();
    await this.#presence.resume(room, connection);
  }

  async leave(room: string, connection: string): Promise<void> {
    this.#throwIfClosed();
    await this.#presence.leave(room, connection);
  }

  async linger(room: string, connection: string, graceMs: number): Promise<void> {
    this.#throwIfClosed();
    await this.#presence.linger(room, connection, graceMs);
  }

  async present(room: string): Promise<readonly PresenceEntry[]> {
    this.#throwIfClosed();
    return await this.#presence.present(room);
  }

  async put(key: string, value: string, ttlMs: number): Promise<void> {
    this.#throwIfClosed();
    await this.#values.put(key, value, ttlMs);
  }

  async take(key: string): Promise<string | undefined> {
    this.#throwIfClosed();
    return await this.#values.take(key);
  }

  async ready(): Promise<void> {
    this.#throwIfClosed();
    await this.#connector.connected();
  }

  close(): Promise<void> {
    return this.#closing ??= this.#close(true);
  }

  /** Renews the isolate's lease. A periodic job does the same. */
  async renew(): Promise<void> {
    await this.#presence.renew();
  }

  /** Removes presence entries whose grace period is over. A periodic job does the same. */
  async sweep(): Promise<void> {
    await this.#presence.sweep();
  }

  /** Trims all rooms and removes expired values; see `trimRooms`. A periodic job does the same. */
  async trim(): Promise<number | undefined> {
    const { database } = this.#connector;
    const deleted = await trimRooms(database, this.#options, () => this.#closing !== undefined);
    if (deleted !== undefined) await this.#values.sweep();
    return deleted;
  }

  /**
   * Ends like a killed isolate: reports nothing, so its presence entries stay until the lease
   * expires.
   */
  abandon(): Promise<void> {
    return this.#closing ??= this.#close(false);
  }

  async #close(isGraceful: boolean): Promise<void> {
    this.#streams.close();
    this.#batches.close();
    await this.#connector.stop();
    await this.#jobs[Symbol.asyncDispose]();
    const ending = [this.#staged.end(isGraceful), ...(isGraceful ? [this.#presence.end()] : [])];
    await withTimeout(Promise.allSettled(ending), CLOSE_MS, "Closing").catch(
      () => {/* the lease expires instead */},
    );
    await this.#connector.database.close();
  }

  #throwIfClosed(): void {
    if (this.#closing) throw new BackplaneUnavailable("The backplane is closed.");
  }
}
