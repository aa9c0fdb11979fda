import type { MonotonicClock } from "../../clocks.ts";

/**
 * Time for which later publishes are rejected after one was refused, measured from the refusal or
 * its last retry. Milliseconds. Five times the wait that clients are told: enough for a retry on a
 * slow network. A client that gave a message up is not locked out for longer.
 */
const HOLD_MS = 5_000;

/** Dependencies of the order of publishes. */
export interface PublishOrderDeps {
  /** Most publishes that are remembered; rejected ones beyond that lose their position. */
  readonly maxPublishes: number;
  readonly now: MonotonicClock;
  /** Offset of the last delivered message. */
  readonly head: () => number;
  /** True if this user's message with this id was delivered after an offset. */
  readonly isDelivered: (id: string, after: number) => boolean;
}

/**
 * A publish that is not settled. A `delivered` one was refused although it is stored: no retry is
 * needed.
 */
interface Publish {
  /** Offset of the last message delivered before the first attempt. */
  readonly after: number;
  state: "under way" | "refused" | "delivered";
}

/**
 * The order of one connection's durable publishes. After a refusal that may be retried, later
 * publishes are rejected until the retry comes. Otherwise they would be stored before it.
 */
export class PublishOrder {
  readonly #deps: PublishOrderDeps;
  /** Publishes by id, in the order of their first attempts. */
  readonly #publishes = new Map<string, Publish>();
  /** Time until which refused publishes are remembered; undefined without any. */
  #heldUntil: number | undefined;

  constructor(deps: PublishOrderDeps) {
    this.#deps = deps;
  }

  /**
   * True if a publish may be stored now; call `settle` or `fail` then. A rejected one keeps its
   * position.
   */
  admit(id: string): boolean {
    const mayGo = !this.#isBehind(id);
    const known = this.#publishes.get(id);
    if (known) {
      if (mayGo && known.state === "refused") this.#hold();
      known.state = mayGo ? "under way" : "refused";
    } else if (this.#publishes.size < this.#deps.maxPublishes) {
      this.#publishes.set(id, { after: this.#deps.head(), state: mayGo ? "under way" : "refused" });
    }
    return mayGo;
  }

  /** Records that a publish is stored, or never will be. */
  settle(id: string): void {
    this.#publishes.delete(id);
  }

  /** Records that a publish could not be stored now. */
  fail(id: string): void {
    const publish = this.#publishes.get(id);
    // Two attempts were under way under one id, and the first may have been stored.
    if (!publish) return;
    publish.state = "refused";
    this.#hold();
  }

  #hold(): void {
    this.#heldUntil = this.#deps.now() + HOLD_MS;
  }

  /** True if an earlier publish was refused and its retry has not come. */
  #isBehind(wanted: string): boolean {
    if (this.#heldUntil === undefined) return false;
    if (this.#heldUntil <= this.#deps.now()) {
      this.#forget();
      return false;
    }
    for (const [id, publish] of this.#publishes) {
      if (id === wanted) return false;
      if (publish.state !== "refused") continue;
      if (!this.#deps.isDelivered(id, publish.after)) return true;
      // The room delivered it, so the client has no reason to send it again.
      publish.state = "delivered";
    }
    return false;
  }

  #forget(): void {
    this.#heldUntil = undefined;
    for (const [id, { state }] of this.#publishes) if (state !== "under way") this.#publishes.delete(id);
  }
}
