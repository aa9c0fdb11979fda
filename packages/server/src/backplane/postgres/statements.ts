import type { Message, PresenceEntry } from "../contract.ts";
import type { Connector } from "./connector.ts";
import { parseMessages, parsePresent, parseRecords, type RoomRecord } from "./postgres_records.ts";
import { escapeText, RECORD_SEPARATOR } from "../wire/wire_text.ts";
import { arrayText } from "./array_text.ts";

/** How a room is at one moment. */
export interface Snapshot {
  readonly epoch: string;
  readonly head: number;
  /** The version of its presence, and who is present; absent where the version was known. */
  readonly version: number;
  readonly present: readonly PresenceEntry[] | undefined;
  /** The first messages after the offset that was named. */
  readonly missed: readonly Message[];
  /** The database's time, in milliseconds since 1970. */
  readonly now: number;
}

/** What is asked of a room, and what of it is known already. */
export interface Known {
  readonly name: string;
  /** Messages after this offset are wanted; none when absent. */
  readonly position: number | undefined;
  /** Who is present is wanted unless this is the version. */
  readonly version: number | undefined;
}

/** Messages of a room from a place on. */
export interface Missed {
  readonly epoch: string;
  readonly head: number;
  readonly messages: readonly Message[];
}

/** Record that lay in the table of what passes. */
export interface PassingRecord {
  readonly id: string;
  readonly channel: string;
  readonly at: number;
  readonly records: readonly RoomRecord[];
}

/** Reads what rooms are like, as the feeds need it. */
export class RoomReader {
  readonly #database: Connector["database"];
  readonly #limit: number;

  /** `limit` is how many messages of a room one statement reads. */
  constructor(database: Connector["database"], limit: number) {
    this.#database = database;
    this.#limit = limit;
  }

  /** How rooms are, all at one moment, in their order. */
  async snapshots(known: readonly Known[]): Promise<Snapshot[]> {
    const rows = await this.#database.read<{
      place: string;
      now: string;
      epoch: string;
      head: string;
      version: string;
      present: string | null;
      messages: string | null;
    }>("select * from rooms.snapshots($1::text[], $2::bigint[], $3::bigint[], $4::int)", [
      arrayText(known.map(({ name }) => escapeText(name))),
      arrayText(known.map(({ position }) => position ?? null)),
      arrayText(known.map(({ version }) => version ?? null)),
      this.#limit,
    ]);
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

  /** The first messages after an offset, and up to another one, that are still there; nothing when there is no such room. */
  async missed(name: string, position: number, to: number): Promise<Missed | undefined> {
    const [row] = await this.#database.read<{ epoch: string; head: string; messages: string | null }>(
      "select * from rooms.missed($1, $2::bigint, $3::int)",
      [escapeText(name), position, Math.min(this.#limit, to - position)],
    );
    return row && { epoch: row.epoch, head: Number(row.head), messages: parseMessages(row.messages) };
  }

  /** Says that messages of the epoch that were there are there no more. */
  async loseTail(name: string, epoch: string): Promise<void> {
    await this.#database.write("select rooms.lose_tail($1, $2)", [escapeText(name), epoch]);
  }

  /** What did not fit into a notification; nothing when it is gone. */
  async elsewhere(id: string): Promise<RoomRecord[]> {
    const [row] = await this.#database.read<{ record: string }>(
      "select record from rooms.passing where id = $1::bigint",
      [id],
    );
    return row ? parseRecords(row.record.split(RECORD_SEPARATOR)) : [];
  }

  /** What passed in rooms since a time, in the order in which it did. */
  async passing(channels: readonly string[], since: number): Promise<PassingRecord[]> {
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
