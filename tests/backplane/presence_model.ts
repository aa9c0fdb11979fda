import type {
  PresenceChange,
  PresenceEntry,
  Resumption,
} from "../../packages/server/src/backplane/contract.ts";

interface ModelEntry {
  readonly entry: PresenceEntry;
  readonly isolate: number;
  /** Connection that the resume named. */
  readonly resumedFrom?: string | undefined;
  /** End of the grace period; absent while connected. */
  readonly until?: number | undefined;
}

/**
 * Smallest model of the contract's presence in one room: a list that is searched from the start.
 */
export class PresenceModel {
  /** Changes that every subscription gets. */
  readonly changes: PresenceChange[] = [];
  /** Entries; lost ones are last, in the order of loss. */
  #entries: readonly ModelEntry[] = [];
  #now = 0;

  get present(): PresenceEntry[] {
    return this.#entries.map(({ entry }) => entry);
  }

  enter(entry: PresenceEntry, isolate: number): void {
    const own = this.#entries.find((one) => one.entry.connection === entry.connection);
    const lost = this.#oldestLost(entry.user);
    if (own) {
      this.#replace(own, { ...own, entry, isolate, until: undefined });
      if (own.entry.state !== entry.state) this.changes.push({ type: "updated", entry });
    } else if (lost) {
      this.#replace(lost, { entry, isolate });
      this.changes.push({ type: "updated", entry, previous: lost.entry.connection });
    } else {
      this.#entries = [{ entry, isolate }, ...this.#entries];
      this.changes.push({ type: "joined", entry });
    }
  }

  resume({ user, connection, previous }: Resumption, isolate: number): void {
    const from = previous === undefined
      ? this.#oldestLost(user)
      : this.#entries.find(({ entry }) => entry.connection === previous) ??
        this.#entries.find(({ resumedFrom }) => resumedFrom === previous);
    if (from?.entry.user !== user || this.#entries.some(({ entry }) => entry.connection === connection)) {
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

  #oldestLost(user: string): ModelEntry | undefined {
    return this.#entries.find(({ entry, until }) => entry.user === user && until !== undefined);
  }

  #replace(old: ModelEntry, modelEntry: ModelEntry): void {
    this.#entries = [modelEntry, ...this.#entries.filter((one) => one !== old)];
  }

  #loseWhere(matches: (modelEntry: ModelEntry) => boolean, graceMs: number): void {
    const lost = this.#entries.filter((modelEntry) => modelEntry.until === undefined && matches(modelEntry));
    const until = this.#now + graceMs;
    this.#entries = [
      ...this.#entries.filter((modelEntry) => !lost.includes(modelEntry)),
      ...lost.map((modelEntry) => ({ ...modelEntry, until })),
    ];
  }

  #removeWhere(matches: (modelEntry: ModelEntry) => boolean): void {
    const gone = this.#entries.filter(matches);
    this.#entries = this.#entries.filter((modelEntry) => !gone.includes(modelEntry));
    for (const { entry } of gone) this.changes.push({ type: "left", entry });
  }
}
