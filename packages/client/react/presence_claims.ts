import { RoomError } from "../errors.ts";
import type { EventTypes, Room } from "../room.ts";

type State = Readonly<Record<string, unknown>>;

/** The part of a room that claims need. */
type PresentRoom = Pick<Room<EventTypes>, "presence" | "state"> & {
  on(kind: "state", listener: () => void): () => void;
};

const claimsOf = new WeakMap<PresentRoom, PresenceClaims>();

/** The claims on a room's presence: one object a room, whichever components claim. */
export function presenceClaims(room: PresentRoom): PresenceClaims {
  const claims = claimsOf.get(room) ?? new PresenceClaims(room);
  claimsOf.set(room, claims);
  return claims;
}

/**
 * States in which mounted components want to be present: the latest is entered, and nobody is left when the last is released. What
 * happens in one turn is taken together, so that an effect that is run twice, or a state that replaces another, never leaves between.
 */
export class PresenceClaims {
  readonly #room: PresentRoom;
  /** JSON texts, the latest last. */
  readonly #claims = new Set<{ readonly text: string }>();
  readonly #listeners = new Set<() => void>();
  /** What the room was asked for last; null: to leave, or nothing. */
  #asked: string | null = null;
  /** The room may have forgotten what it was asked for. */
  #isStale = false;
  #isScheduled = false;
  #error: RoomError | null = null;
  #user: string | null = null;
  #endWatching: (() => void) | null = null;

  constructor(room: PresentRoom) {
    this.#room = room;
  }

  /** Why the latest state was refused; null when it was not. */
  get error(): RoomError | null {
    return this.#error;
  }

  /** Calls back when `error` is another; what it returns ends that. */
  subscribe(listener: () => void): () => void {
    const own = () => listener();
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** Wants to be present in a state, given as JSON text; what it returns releases that. */
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
    if (wanted === this.#asked && (!this.#isStale || wanted === null)) return;
    this.#asked = wanted;
    this.#isStale = false;
    this.#fail(null);
    const { presence } = this.#room;
    const answered = wanted === null ? presence.leave() : presence.enter(JSON.parse(wanted) as State);
    answered.catch((error: unknown) => {
      // The state says so already when the room was closed.
      const isEnd = this.#isStale || this.#room.state.type === "closed";
      if (wanted !== null && wanted === this.#asked && !isEnd && error instanceof RoomError) {
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
