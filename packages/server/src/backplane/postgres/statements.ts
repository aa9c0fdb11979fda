import type { Message, PresenceEntry } from "../contract.ts";
import type { Connector } from "./connector.ts";
import { parseMessages, parsePresent, parseRecords, type RoomRecord } from "./postgres_records.ts";
import { escapeText, RECORD_SEPARATOR } from "../wire/wire_text.ts";
import { arrayText } from "./array_text.ts";
import { channelOf } from "./channel.ts";

/** Longest page, and longest answer to one snapshot statement, in bytes; at least one message. */
export const MAX_PAGE_BYTES = 262_144;

/** State of a room at one moment. */
export interface Snapshot {
  readonly epoch: string;
  readonly head: number;
  /** Version of the presence list. */
  readonly version: number;
  /** Presence list; absent if the query named the current version. */
  readonly present: readonly PresenceEntry[] | undefined;
  /** The first messages after the offset that the query named. */
  readonly missed: readonly Message[];
  /** The database's time, in milliseconds since 1970. */
  readonly now: number;
}

/** A room to query, and the state that is known already. */
export interface KnownState {
  readonly name: string;
  /** Requests the messages after this offset; none if absent. */
  readonly position: number | undefined;
  /** Requests the presence list unless this is its version. */
  readonly version: number | undefined;
  /** Epoch for the room if it is missing; a new one if absent. */
  readonly epoch: string | undefined;
}

/** Messages of a room after an offset. */
export interface MissedMessages {
  readonly epoch: string;
  readonly head: number;
  readonly messages: readonly Message[];
}

/**
 * Row of `rooms.passing`, the table of ephemeral messages and of records too long for a
 * notification.
 */
export interface PassingRow {
  readonly id: string;
  readonly channel: string;
  readonly at: number;
  readonly records: readonly RoomRecord[];
}

/** Reads the state of rooms for their streams. */
export class RoomReader {
  readonly #database: Connector["database"];
  readonly #limit: number;

  /** Sets the number of messages per room that one statement reads to `limit`. */
  constructor(database: Connector["database"], limit: number) {
    this.#database = database;
    this.#limit = limit;
  }

  /**
   * Reads all rooms at one moment; returns their snapshots in the order given. Makes the missing
   * rooms, and keeps those without messages from being removed.
   */
  async snapshots(known: readonly KnownState[]): Promise<Snapshot[]> {
    const rows = await this.#database.read<{
      place: string;
      now: string;
      epoch: string;
      head: string;
      version: string;
      present: string | null;
      messages: string | null;
    }>(
      "select * from rooms.snapshots($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::int, $6::bigint)",
      [
        arrayText(known.map(({ name }) => escapeText(name))),
        arrayText(known.map(({ position }) => position ?? null)),
        arrayText(known.map(({ version }) => version ?? null)),
        arrayText(known.map(({ epoch }) => epoch ?? null)),
        this.#limit,
        MAX_PAGE_BYTES,
      ],
    );
    const snapshots: Snapshot[] = [];
    for (const { place, now, epoch, head, version, present, messages } of rows) {
      snapshots[Number(place) - 1] = {
        epoch,
        head: Number(head),
        version: Number(version),
        present: present === null ? undefined : parsePresent(present),
        missed: parseMessages(messages),
        now: Number(now),
      };
    }
    return snapshots;
  }

  /**
   * Reads the first retained messages after `position` and up to `to`; undefined if the room does
   * not exist.
   */
  async missed(name: string, position: number, to: number): Promise<MissedMessages | undefined> {
    const [row] = await this.#database.read<{ epoch: string; head: string; messages: string | null }>(
      "select * from rooms.missed($1, $2::bigint, $3::int)",
      [escapeText(name), position, Math.min(this.#limit, to - position)],
    );
    return row && { epoch: row.epoch, head: Number(row.head), messages: parseMessages(row.messages) };
  }

  /** Reports that the database lost messages of this epoch that were delivered before. */
  async loseTail(name: string, epoch: string): Promise<void> {
    await this.#database.write("select rooms.lose_tail($1, $2)", [escapeText(name), epoch]);
  }

  /** Reads a record that was too long for a notification; empty if it was removed already. */
  async overflow(name: string, id: string): Promise<RoomRecord[]> {
    const [row] = await this.#database.read<{ record: string }>(
      "select record from rooms.passing where id = $1::bigint and channel = $2",
      [id, channelOf(name)],
    );
    return row ? parseRecords(row.record.split(RECORD_SEPARATOR)) : [];
  }

  /**
   * Reads the rows of `rooms.passing` that were written since a time, in the order of their ids.
   */
  async passingSince(channels: readonly string[], since: number): Promise<PassingRow[]> {
    const rows = await this.#database.read<{ id: string; channel: string; at: string; record: string }>(
      "select id, channel, at, record from rooms.passing where channel = any ($1::text[]) and at >= $2::bigint order by id",
      [arrayText(channels), since],
    );
    return rows.map(({ id, channel, at, record }) => ({
      id,
      channel,
      at: Number(at),
      records: parseRecords(record.split(RECORD_SEPARATOR)),
    }));
  }
}
