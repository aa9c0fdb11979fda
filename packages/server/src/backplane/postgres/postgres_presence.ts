import type { PresenceEntry, Resumption } from "../contract.ts";
import type { Connector } from "./connector.ts";
import type { Parameter } from "./database.ts";
import { parsePresent } from "./postgres_records.ts";
import { escapeText, unescapeText } from "../wire/wire_text.ts";

/** True if `rooms.sweep()` would find something: an index answers each part. */
const IS_SWEEP_DUE = `
with clock as materialized (select rooms.now_ms() as now)
select exists (select from rooms.isolates where expires_at <= (select now from clock)) as has_ended,
  exists (select from rooms.presence where lingering_until <= (select now from clock))
  or exists (select from rooms.passing where at < (select now from clock) - 60000) as due`;

/**
 * Begins the grace period of the entries of ended isolates, in a transaction of its own. It locks
 * entries, and members that come back wait for them; `rooms.sweep()` waits for rooms that those
 * members have locked.
 */
const LOSE_ENDED = `
with clock as materialized (select rooms.now_ms() as now)
select rooms.lose(array(select id from rooms.isolates where expires_at <= (select now from clock)))`;

/** Options of `PostgresPresence`. */
export interface PostgresPresenceOptions {
  /** Lifetime of the isolate's lease, in milliseconds. */
  readonly leaseMs: number;
  /** Disconnect grace period of the isolate's entries after its end, in milliseconds. */
  readonly graceMs: number;
  /** Called after each change of presence. */
  readonly onChanged: () => void;
}

/** Presence changes made by this isolate. */
export class PostgresPresence {
  /** Id of the isolate in the database. */
  readonly isolate: string = crypto.randomUUID();
  readonly #connector: Connector;
  readonly #options: PostgresPresenceOptions;
  /**
   * Entries of this isolate's connected members, by room and connection. The isolate enters them
   * again if the database loses them.
   */
  readonly #own = new Map<string, Map<string, PresenceEntry>>();
  /**
   * Departures not yet written, by room and connection: the grace period in milliseconds, or
   * undefined to leave immediately.
   */
  readonly #pendingDepartures = new Map<string, Map<string, number | undefined>>();
  #isPolling = false;
  /** True if the database may have lost the isolate's entries. */
  #mustReenter = false;

  constructor(connector: Connector, options: PostgresPresenceOptions) {
    this.#connector = connector;
    this.#options = options;
  }

  /** See `Backplane.enter`. */
  async enter(room: string, entry: PresenceEntry): Promise<void> {
    await this.#connector.admit();
    await this.#enter(room, entry);
    const { user, connection, state } = entry;
    this.#remember(room, { user, connection, state });
    this.#options.onChanged();
  }

  /** See `Backplane.resume`. */
  async resume(room: string, { user, connection, previous }: Resumption): Promise<void> {
    const { leaseMs, graceMs } = this.#options;
    const [row] = await this.#write<{ state: string | null }>(
      "select rooms.resume($1, $2::uuid, $3, $4, $5, $6::bigint, $7::bigint) as state",
      [
        escapeText(room),
        this.isolate,
        escapeText(user),
        escapeText(connection),
        previous === undefined ? null : escapeText(previous),
        leaseMs,
        graceMs,
      ],
    );
    const state = row?.state;
    if (typeof state !== "string") return;
    if (previous !== undefined) this.#forget(room, previous);
    this.#remember(room, { user, connection, state: unescapeText(state) });
  }

  /** See `Backplane.leave`. */
  async leave(room: string, connection: string): Promise<void> {
    await this.#depart(room, connection, undefined);
  }

  /** See `Backplane.linger`. */
  async linger(room: string, connection: string, graceMs: number): Promise<void> {
    await this.#depart(room, connection, graceMs);
  }

  /** See `Backplane.present`. */
  async present(room: string): Promise<readonly PresenceEntry[]> {
    await this.#connector.admit();
    const [row] = await this.#connector.database.read<{ present: string }>(
      "select rooms.present($1) as present",
      [escapeText(room)],
    );
    return parsePresent(row?.present ?? "");
  }

  /**
   * Renews the isolate's lease and writes pending departures. Enters the isolate's entries again if
   * the lease had expired. `isPolling` records that the isolate has no LISTEN.
   */
  async renew(isPolling: boolean = this.#isPolling): Promise<void> {
    this.#isPolling = isPolling;
    const { leaseMs, graceMs } = this.#options;
    const [row] = await this.#connector.database.write<{ alive: boolean }>(
      "select rooms.renew_lease($1::uuid, $2::bigint, $3::bigint, $4::boolean) as alive",
      [this.isolate, leaseMs, graceMs, isPolling],
    );
    await this.#writeDepartures();
    // The flag stays set until all entries are back: the next renewal already reports `alive`.
    if (row?.alive === false) this.#mustReenter = true;
    if (!this.#mustReenter) return;
    for (const [room, entries] of this.#own) {
      for (const entry of entries.values()) await this.#enter(room, entry);
    }
    this.#mustReenter = false;
  }

  /** Removes the entries of all isolates whose grace period is over. */
  async sweep(): Promise<void> {
    const { database } = this.#connector;
    const [row] = await database.read<{ has_ended: boolean; due: boolean }>(IS_SWEEP_DUE, []);
    if (row?.has_ended) await database.maintain(LOSE_ENDED, []);
    if (row?.has_ended || row?.due) await database.maintain("select rooms.sweep()", []);
  }

  /** Reports the isolate's end: the grace period of its entries begins. */
  async end(): Promise<void> {
    this.#own.clear();
    await this.#writeDepartures();
    await this.#connector.database.write("select rooms.lose(array[$1::uuid])", [this.isolate]);
  }

  /**
   * Writes a departure. No caller repeats a failed one, so it stays pending until the database is
   * reachable again.
   */
  async #depart(room: string, connection: string, graceMs: number | undefined): Promise<void> {
    this.#forget(room, connection);
    try {
      await this.#connector.admit();
      await this.#writeDeparture(room, connection, graceMs);
    } catch (error) {
      const pending = this.#pendingDepartures.get(room);
      if (pending) pending.set(connection, graceMs);
      else this.#pendingDepartures.set(room, new Map([[connection, graceMs]]));
      throw error;
    }
  }

  async #writeDeparture(room: string, connection: string, graceMs: number | undefined): Promise<void> {
    const names = [escapeText(room), escapeText(connection)];
    const { database } = this.#connector;
    if (graceMs === undefined) await database.write("select rooms.leave($1, $2)", names);
    else await database.write("select rooms.linger($1, $2, $3::bigint)", [...names, graceMs]);
    this.#options.onChanged();
  }

  async #writeDepartures(): Promise<void> {
    for (const [room, pending] of this.#pendingDepartures) {
      for (const [connection, graceMs] of pending) {
        await this.#writeDeparture(room, connection, graceMs);
        pending.delete(connection);
      }
      this.#pendingDepartures.delete(room);
    }
  }

  async #enter(room: string, { user, connection, state }: PresenceEntry): Promise<void> {
    const { leaseMs, graceMs } = this.#options;
    await this.#connector.database.write(
      "select rooms.enter($1, $2::uuid, $3, $4, $5, $6::bigint, $7::bigint)",
      [
        escapeText(room),
        this.isolate,
        escapeText(user),
        escapeText(connection),
        escapeText(state),
        leaseMs,
        graceMs,
      ],
    );
  }

  async #write<Row extends object>(text: string, parameters: readonly Parameter[]): Promise<readonly Row[]> {
    await this.#connector.admit();
    const rows = await this.#connector.database.write<Row>(text, parameters);
    this.#options.onChanged();
    return rows;
  }

  #remember(room: string, entry: PresenceEntry): void {
    this.#pendingDepartures.get(room)?.delete(entry.connection);
    const entries = this.#own.get(room);
    if (entries) entries.set(entry.connection, entry);
    else this.#own.set(room, new Map([[entry.connection, entry]]));
  }

  #forget(room: string, connection: string): void {
    const entries = this.#own.get(room);
    entries?.delete(connection);
    if (entries?.size === 0) this.#own.delete(room);
  }
}
