/**
 * How long what was sent behind a refused publish is held back, from its refusal, or from when one that was refused came again, in
 * milliseconds. Five times what a client is told to wait: enough for one on a slow network that tries again; one that has given a
 * message up is not kept from the next ones for longer.
 */
const HOLD_MS = 5_000;

/** What the order of publishes needs to know. */
export interface PublishOrderParts {
  /** Most publishes that are remembered; what is held back beyond that does not keep its place. */
  readonly most: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** The offset of the last message that was delivered. */
  readonly head: () => number;
  /** Whether this user's message with this id was delivered after an offset. */
  readonly isDelivered: (id: string, after: number) => boolean;
}

/** What is known of a publish that is not settled. One that is `delivered` was refused though it is stored: it need not come again. */
interface Publish {
  /** The last message that had been delivered when it came for the first time. */
  readonly after: number;
  state: "under way" | "refused" | "delivered";
}

/**
 * The order of one connection's durable publishes. Once one was refused that may come again, those behind it are refused too, until
 * it has come: else they would be stored before it.
 */
export class PublishOrder {
  readonly #parts: PublishOrderParts;
  /** By id, in the order in which they came for the first time. */
  readonly #publishes = new Map<string, Publish>();
  /** Until when those that are not under way are remembered; undefined: there are none. */
  #heldUntil: number | undefined;

  constructor(parts: PublishOrderParts) {
    this.#parts = parts;
  }

  /** Whether a publish may be stored now; `settle` or `fail` is to follow. One that may not is refused, and keeps its place. */
  admit(id: string): boolean {
    const mayGo = !this.#isBehind(id);
    const known = this.#publishes.get(id);
    if (known) {
      if (mayGo && known.state === "refused") this.#hold();
      known.state = mayGo ? "under way" : "refused";
    } else if (this.#publishes.size < this.#parts.most) {
      this.#publishes.set(id, { after: this.#parts.head(), state: mayGo ? "under way" : "refused" });
    }
    return mayGo;
  }

  /** It is stored, or never will be. */
  settle(id: string): void {
    this.#publishes.delete(id);
  }

  /** It could not be stored now. */
  fail(id: string): void {
    const publish = this.#publishes.get(id);
    // Of two that were under way under the same id the first may have been stored.
    if (!publish) return;
    publish.state = "refused";
    this.#hold();
  }

  #hold(): void {
    this.#heldUntil = this.#parts.now() + HOLD_MS;
  }

  /** Whether one that was refused, and came before it, is still to come again. */
  #isBehind(wanted: string): boolean {
    if (this.#heldUntil === undefined) return false;
    const left = this.#heldUntil - this.#parts.now();
    // Nor is anything held back for longer when the clock was set back.
    if (left <= 0 || left > HOLD_MS) {
      this.#forget();
      return false;
    }
    for (const [id, publish] of this.#publishes) {
      if (id === wanted) return false;
      if (publish.state !== "refused") continue;
      if (!this.#parts.isDelivered(id, publish.after)) return true;
      // The client was told of it, and has no reason to send it again.
      publish.state = "delivered";
    }
    return false;
  }

  #forget(): void {
    this.#heldUntil = undefined;
    for (const [id, { state }] of this.#publishes) if (state !== "under way") this.#publishes.delete(id);
  }
}
