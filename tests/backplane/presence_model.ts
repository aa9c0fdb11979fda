import type {
  PresenceChange,
  PresenceEntry,
  Resumption,
} from "../../packages/server/src/backplane/contract.ts";

interface Placed {
  readonly entry: PresenceEntry;
  readonly isolate: number;
  /** What a resume named to take it over. */
  readonly resumedFrom?: string | undefined;
  /** Absent while the connection is not lost. */
  readonly until?: number | undefined;
}

/** Presence in one room as the contract has it, in as few words as possible: a list, looked through from its beginning. */
export class PresenceModel {
  /** What everybody has been told. */
  readonly changes: PresenceChange[] = [];
  /** Lost ones at the end, in the order of their loss. */
  #placed: readonly Placed[] = [];
  #now = 0;

  get present(): PresenceEntry[] {
    return this.#placed.map(({ entry }) => entry);
  }

  enter(entry: PresenceEntry, isolate: number): void {
    const own = this.#placed.find((one) => one.entry.connection === entry.connection);
    const lingering = this.#oldestLingering(entry.user);
    if (own) {
      this.#replace(own, { ...own, entry, isolate, until: undefined });
      if (own.entry.state !== entry.state) this.changes.push({ type: "updated", entry });
    } else if (lingering) {
      this.#replace(lingering, { entry, isolate });
      this.changes.push({ type: "updated", entry, previous: lingering.entry.connection });
    } else {
      this.#placed = [{ entry, isolate }, ...this.#placed];
      this.changes.push({ type: "joined", entry });
    }
  }

  resume({ user, connection, previous }: Resumption, isolate: number): void {
    const from = previous === undefined
      ? this.#oldestLingering(user)
      : this.#placed.find(({ entry }) => entry.connection === previous) ??
        this.#placed.find(({ resumedFrom }) => resumedFrom === previous);
    if (from?.entry.user !== user || this.#placed.some(({ entry }) => entry.connection === connection)) {
      return;
    }
    const entry = { user, connection, state: from.entry.state };
    this.#replace(from, { entry, isolate, resumedFrom: previous });
    this.changes.push({ type: "updated", entry, previous: from.entry.connection });
  }

  leave(connection: string): void {
    this.#removeWhere(({ entry }) => entry.connection === connection);
  }

  linger(connection: string, graceMs: number): void {
    this.#loseWhere(({ entry }) => entry.connection === connection, graceMs);
  }

  endIsolate(isolate: number, graceMs: number): void {
    this.#loseWhere((one) => one.isolate === isolate, graceMs);
  }

  advance(ms: number): void {
    this.#now += ms;
    this.#removeWhere(({ until }) => until !== undefined && until <= this.#now);
  }

  #oldestLingering(user: string): Placed | undefined {
    return this.#placed.find(({ entry, until }) => entry.user === user && until !== undefined);
  }

  #replace(old: Placed, placed: Placed): void {
    this.#placed = [placed, ...this.#placed.filter((one) => one !== old)];
  }

  #loseWhere(isMeant: (placed: Placed) => boolean, graceMs: number): void {
    const lost = this.#placed.filter((placed) => placed.until === undefined && isMeant(placed));
    const until = this.#now + graceMs;
    this.#placed = [
      ...this.#placed.filter((placed) => !lost.includes(placed)),
      ...lost.map((placed) => ({ ...placed, until })),
    ];
  }

  #removeWhere(isMeant: (placed: Placed) => boolean): void {
    const gone = this.#placed.filter(isMeant);
    this.#placed = this.#placed.filter((placed) => !gone.includes(placed));
    for (const { entry } of gone) this.changes.push({ type: "left", entry });
  }
}
