import type { PresenceEntry, Resumption } from "../contract.ts";
import type { Connector } from "./connector.ts";
import type { Parameter } from "./database.ts";
import { parsePresent } from "./postgres_records.ts";
import { escapeText, unescapeText } from "../wire/wire_text.ts";

/** What presence is given. */
export interface PresenceOptions {
  /** How long the isolate counts as alive after it last said so, in milliseconds. */
  readonly leaseMs: number;
  /** How long its entries linger when it is gone, in milliseconds. */
  readonly graceMs: number;
  /** Told when something changed. */
  readonly onChanged: () => void;
}

/** Presence, as this isolate's calls change it. */
export class Presence {
  /** Names the isolate. */
  readonly isolate: string = crypto.randomUUID();
  readonly #connector: Connector;
  readonly #options: PresenceOptions;
  /** The entries that this isolate answers for and that do not linger, by room and connection: told again when the database lost them. */
  readonly #own = new Map<string, Map<string, PresenceEntry>>();
  /** What could not be said of connections that are gone, by room and connection: how long each lingers; undefined: not at all. */
  readonly #unsaid = new Map<string, Map<string, number | undefined>>();
  #polls = false;
  /** Whether the database may have lost them. */
  #isForgotten = false;

  constructor(connector: Connector, options: PresenceOptions) {
    this.#connector = connector;
    this.#options = options;
  }

  /** See `Backplane.enter`. */
  async enter(room: string, entry: PresenceEntry): Promise<void> {
    await this.#connector.admit();
    await this.#enter(room, entry);
    const { user, connection, state } = entry;
    this.#keep(room, { user, connection, state });
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
    if (previous !== undefined) this.#drop(room, previous);
    this.#keep(room, { user, connection, state: unescapeText(state) });
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
    // After what was written before it.
    const [row] = await this.#connector.database.write<{ present: string }>(
      "select rooms.present($1) as present",
      [escapeText(room)],
    );
    return parsePresent(row?.present ?? "");
  }

  /** Says that the isolate lives and who has gone, and enters its entries again when it had counted as dead. `polls` says that it has no LISTEN. */
  async renew(polls: boolean = this.#polls): Promise<void> {
    this.#polls = polls;
    const { leaseMs, graceMs } = this.#options;
    const [row] = await this.#connector.database.write<{ alive: boolean }>(
      "select rooms.renew($1::uuid, $2::bigint, $3::bigint, $4::boolean) as alive",
      [this.isolate, leaseMs, graceMs, polls],
    );
    await this.#sayWhoHasGone();
    // Kept until it is done: the next time the isolate counts as alive.
    if (row?.alive === false) this.#isForgotten = true;
    if (!this.#isForgotten) return;
    for (const [room, entries] of this.#own) {
      for (const entry of entries.values()) await this.#enter(room, entry);
    }
    this.#isForgotten = false;
  }

  /** Lets entries go whose time is over, of whichever isolate. */
  async sweep(): Promise<void> {
    await this.#connector.database.write("select rooms.sweep()", []);
  }

  /** The isolate ends: its entries linger. */
  async end(): Promise<void> {
    this.#own.clear();
    await this.#sayWhoHasGone();
    await this.#connector.database.write("select rooms.lose(array[$1::uuid])", [this.isolate]);
  }

  /** Whoever is gone does not come again to say so: what cannot be said now is said when the database is back. */
  async #depart(room: string, connection: string, graceMs: number | undefined): Promise<void> {
    this.#drop(room, connection);
    try {
      await this.#connector.admit();
      await this.#sayGone(room, connection, graceMs);
    } catch (error) {
      const unsaid = this.#unsaid.get(room);
      if (unsaid) unsaid.set(connection, graceMs);
      else this.#unsaid.set(room, new Map([[connection, graceMs]]));
      throw error;
    }
  }

  async #sayGone(room: string, connection: string, graceMs: number | undefined): Promise<void> {
    const names = [escapeText(room), escapeText(connection)];
    const { database } = this.#connector;
    if (graceMs === undefined) await database.write("select rooms.leave($1, $2)", names);
    else await database.write("select rooms.linger($1, $2, $3::bigint)", [...names, graceMs]);
    this.#options.onChanged();
  }

  async #sayWhoHasGone(): Promise<void> {
    for (const [room, unsaid] of this.#unsaid) {
      for (const [connection, graceMs] of unsaid) {
        await this.#sayGone(room, connection, graceMs);
        unsaid.delete(connection);
      }
      this.#unsaid.delete(room);
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

  #keep(room: string, entry: PresenceEntry): void {
    this.#unsaid.get(room)?.delete(entry.connection);
    const entries = this.#own.get(room);
    if (entries) entries.set(entry.connection, entry);
    else this.#own.set(room, new Map([[entry.connection, entry]]));
  }

  #drop(room: string, connection: string): void {
    const entries = this.#own.get(room);
    entries?.delete(connection);
    if (entries?.size === 0) this.#own.delete(room);
  }
}
