import type { PresenceChange, PresenceEntry } from "../../backplane/contract.ts";
import { readTracked, type Tracked } from "./tracked_state.ts";

/** A member's presence with the reference that it replaced. */
interface Shown extends Tracked {
  readonly previousRef?: string;
}

/** The presence of one room as its channels see it, and the changes that they do not know yet. */
export class PresenceView {
  readonly #byConnection = new Map<string, Tracked>();
  /** Pending changes by reference. A member that came and went in between is in neither. */
  readonly #joins = new Map<string, Shown>();
  readonly #leaves = new Map<string, Tracked>();

  constructor(entries: readonly PresenceEntry[]) {
    for (const entry of entries) this.#byConnection.set(entry.connection, readTracked(entry));
  }

  /** Number of members that are present. */
  get size(): number {
    return this.#byConnection.size;
  }

  /** True if there are changes that channels do not know. */
  get hasChanges(): boolean {
    return this.#joins.size + this.#leaves.size > 0;
  }

  /**
   * Applies a change. Returns the reference that a connection keeps, if it took over the same
   * presence of a lost one: viewers then see no change.
   */
  apply(change: PresenceChange): string | undefined {
    const { entry: { connection } } = change;
    const before = change.type === "updated" ? change.previous ?? connection : connection;
    const old = this.#byConnection.get(before);
    this.#byConnection.delete(before);
    if (change.type === "left") {
      if (old) this.#left(old);
      return undefined;
    }
    const fresh = readTracked(change.entry);
    if (old && old.key === fresh.key && old.payload === fresh.payload) {
      this.#byConnection.set(connection, old);
      return old.ref === fresh.ref ? undefined : old.ref;
    }
    this.#byConnection.set(connection, fresh);
    const replaced = old && (this.#joins.get(old.ref)?.previousRef ?? old.ref);
    if (old) this.#left(old);
    this.#joined(fresh, old?.key === fresh.key ? replaced : undefined);
    return undefined;
  }

  /** JSON text of everybody, for `presence_state`. */
  stateText(): string {
    return byKey([...this.#byConnection.values()]);
  }

  /** JSON text of the changes since the last call, for `presence_diff`. */
  takeChanges(): string {
    const text = `{"joins":${byKey([...this.#joins.values()])},"leaves":${
      byKey([...this.#leaves.values()])
    }}`;
    this.#joins.clear();
    this.#leaves.clear();
    return text;
  }

  #joined(member: Tracked, previousRef: string | undefined): void {
    if (this.#leaves.delete(member.ref)) return;
    this.#joins.set(member.ref, previousRef === undefined ? member : { ...member, previousRef });
  }

  #left(member: Tracked): void {
    if (!this.#joins.delete(member.ref)) this.#leaves.set(member.ref, member);
  }
}

/** JSON text of members by key. The keys are a client's: no object of ours gets them as names. */
function byKey(members: readonly Shown[]): string {
  const metas = new Map<string, string[]>();
  for (const { key, payload, ref, previousRef } of members) {
    const meta = JSON.stringify({
      ...JSON.parse(payload),
      phx_ref: ref,
      ...(previousRef === undefined ? {} : { phx_ref_prev: previousRef }),
    });
    const known = metas.get(key);
    if (known) known.push(meta);
    else metas.set(key, [meta]);
  }
  const entries = [...metas].map(([key, texts]) => `${JSON.stringify(key)}:{"metas":[${texts.join(",")}]}`);
  return `{${entries.join(",")}}`;
}
