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
import { type PostgresOptions, type Settings, withDefaults } from "./postgres_options.ts";
import { Presence } from "./postgres_presence.ts";
import { parseMessages } from "./postgres_records.ts";
import { escapeText } from "../wire/wire_text.ts";
import { Upkeep } from "./periodic_jobs.ts";
import { within } from "../with_timeout.ts";

/** What it is given, and what it tells. */
export type { PostgresEvent, PostgresOptions } from "./postgres_options.ts";

/** How long closing waits until it is told to the database, in milliseconds. The lease says it otherwise. */
const FAREWELL_MS = 2_000;

/**
 * Creates the backplane of one isolate on a Postgres that has the schema of supabase/migrations. It connects by itself, and again
 * whenever it must; calls wait for the first attempt.
 */
export function createPostgresBackplane(options: PostgresOptions): Backplane {
  return new PostgresBackplane(options);
}

/** The backplane of one isolate on Postgres. */
export class PostgresBackplane implements Backplane {
  readonly #settings: Settings;
  readonly #connector: Connector;
  readonly #feeds: RoomStreams;
  readonly #batches: Batches;
  readonly #presence: Presence;
  readonly #upkeep: Upkeep;
  #closing: Promise<void> | undefined;
  #isConnected = false;

  constructor(options: PostgresOptions) {
    const settings = this.#settings = withDefaults(options);
    const { retention, random, onEvent } = settings;
    this.#connector = new Connector(settings, {
      onNotification: (channel, payload) => this.#feeds.notify(channel, payload),
      onConnected: async (link) => {
        await this.#presence.renew(link === undefined);
        await this.#feeds.connected(link);
        this.#isConnected = true;
      },
      onLost: () => {
        this.#isConnected = false;
        this.#feeds.lost();
      },
    });
    this.#feeds = new RoomStreams(this.#connector, settings);
    const poke = () => this.#feeds.poke();
    this.#batches = new Batches(this.#connector, {
      ...settings,
      dedupeMs: retention.dedupeMs,
      onPublished: poke,
    });
    this.#presence = new Presence(this.#connector, { ...settings, onChanged: poke });
    this.#upkeep = new Upkeep({
      chores: [
        { everyMs: settings.leaseMs / 3, run: () => this.#presence.renew() },
        { everyMs: settings.sweepMs, run: () => this.#presence.sweep() },
        { everyMs: settings.trimMs, run: () => this.trim() },
      ],
      isConnected: () => this.#isConnected,
      onEvent,
      random,
    });
  }

  /** Names the isolate in the database. */
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
    return await this.#feeds.subscribe(room, deliver);
  }

  async history(room: string, page: PageRequest): Promise<Page> {
    this.#throwIfClosed();
    await this.#connector.admit();
    const { messages: kept, ageMs } = this.#settings.retention;
    const [row] = await this.#connector.database.read<{
      epoch: string;
      head: string;
      first: string;
      messages: string | null;
    }>("select * from rooms.page($1, $2::bigint, $3::bigint, $4::bigint, $5::bigint, $6::bigint)", [
      escapeText(room),
      "after" in page ? page.after : null,
      "before" in page ? page.before : null,
      page.limit,
      kept,
      ageMs,
    ]);
    if (!row) throw new BackplaneUnavailable("The room was deleted just now.");
    const [head, first, messages] = [Number(row.head), Number(row.first), parseMessages(row.messages)];
    const more = "after" in page
      ? Math.max(page.after + 1, first) - 1 + page.limit < head
      : first < Math.min(page.before - 1, head) - page.limit + 1;
    return { epoch: row.epoch, head, first, messages, more };
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

  async ready(): Promise<void> {
    this.#throwIfClosed();
    await this.#connector.connected();
  }

  close(): Promise<void> {
    return this.#closing ??= this.#close(true);
  }

  /** Says that the isolate lives, as it does by itself in the background. */
  async renew(): Promise<void> {
    await this.#presence.renew();
  }

  /** Lets entries go whose time is over, as it does by itself in the background. */
  async sweep(): Promise<void> {
    await this.#presence.sweep();
  }

  /** Deletes messages that are not kept any more, as it does by itself in the background; resolves with how many, or nothing when another isolate is at it. */
  async trim(): Promise<number | undefined> {
    const { messages, ageMs, dedupeMs } = this.#settings.retention;
    const [row] = await this.#connector.database.write<{ deleted: string | null }>(
      "select rooms.trim($1::bigint, $2::bigint, $3::bigint) as deleted",
      [messages, ageMs, dedupeMs],
    );
    return typeof row?.deleted === "string" ? Number(row.deleted) : undefined;
  }

  /** Ends as an isolate that is killed does: nobody is told, and the entries stay until the lease is over. */
  abandon(): Promise<void> {
    return this.#closing ??= this.#close(false);
  }

  async #close(saysSo: boolean): Promise<void> {
    this.#feeds.close();
    await this.#connector.stop();
    await this.#upkeep[Symbol.asyncDispose]();
    if (saysSo) {
      await within(this.#presence.end(), FAREWELL_MS, "Closing").catch(() => {/* the lease says it */});
    }
    await this.#connector.database.close();
  }

  #throwIfClosed(): void {
    if (this.#closing) throw new BackplaneUnavailable("The backplane is closed.");
  }
}
