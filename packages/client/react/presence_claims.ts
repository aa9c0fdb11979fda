import { RoomError } from "../errors.ts";
import type { EventTypes, Room } from "../room.ts";

type State = Readonly<Record<string, unknown>>;

/** Part of a room that claims use. */
type PresentRoom = Pick<Room<EventTypes>, "presence" | "state"> & {
  on(kind: "state", listener: () => void): () => void;
};

const claimsOf = new WeakMap<PresentRoom, PresenceClaims>();

/** Returns the claims of a room's presence, one object per room. */
export function presenceClaims(room: PresentRoom): PresenceClaims {
  const claims = claimsOf.get(room) ?? new PresenceClaims(room);
  claimsOf.set(room, claims);
  return claims;
}

/**
 * Presence states of mounted components. The latest one is entered; releasing the last one leaves.
 * Changes of one tick are applied together, so that a repeated effect or a new state never leaves
 * presence in between.
 */
export class PresenceClaims {
  readonly #room: PresentRoom;
  /** States as JSON text, the latest last. */
  readonly #claims = new Set<{ readonly text: string }>();
  readonly #listeners = new Set<() => void>();
  /** Last requested state; null after `leave` or at the start. */
  #requested: string | null = null;
  /** True if the room may have dropped the requested state. */
  #isStale = false;
  #isScheduled = false;
  #error: RoomError | null = null;
  #user: string | null = null;
  #endWatching: (() => void) | null = null;

  constructor(room: PresentRoom) {
    this.#room = room;
  }

  /** Error of the latest state if it was refused. */
  get error(): RoomError | null {
    return this.#error;
  }

  /** Calls back after each change of `error`. Returns a function that ends it. */
  subscribe(listener: () => void): () => void {
    const own = () => listener();
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** Claims a state, given as JSON text. Returns a function that releases the claim. */
  claim(text: string): () => void {
    const claim = { text };
    this.#claims.add(claim);
    this.#endWatching ??= this.#room.on("state", () => this.#onState());
    this.#schedule();
    return () => {
      this.#claims.delete(claim);
      this.#schedule();
    };
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#apply();
    });
  }

  #apply(): void {
    const wanted = [...this.#claims].at(-1)?.text ?? null;
    if (wanted === null) {
      this.#endWatching?.();
      this.#endWatching = null;
    } else if (this.#room.state.type === "closed") {
      return;
    }
    if (wanted === this.#requested && (!this.#isStale || wanted === null)) return;
    this.#requested = wanted;
    this.#isStale = false;
    this.#fail(null);
    const { presence } = this.#room;
    const answered = wanted === null ? presence.leave() : presence.enter(JSON.parse(wanted) as State);
    answered.catch((error: unknown) => {
      // A closed room reports its reason in its state.
      const isEnd = this.#isStale || this.#room.state.type === "closed";
      if (wanted !== null && wanted === this.#requested && !isEnd && error instanceof RoomError) {
        this.#fail(error);
      }
    });
  }

  #onState(): void {
    const { state } = this.#room;
    if (state.type === "closed") this.#isStale = true;
    else if (state.type === "live") {
      if (this.#user !== null && this.#user !== state.user) this.#isStale = true;
      this.#user = state.user;
    }
    this.#schedule();
  }

  #fail(error: RoomError | null): void {
    if (this.#error === error) return;
    this.#error = error;
    for (const listener of [...this.#listeners]) listener();
  }
}
