import { systemClock } from "../clock.ts";

/** A room or a connection that components use. */
interface Holdable {
  open?(): void;
  close(): Promise<void>;
}

const heldBy = new WeakMap<Holdable, Held>();

/**
 * Opens a room or a connection while components hold it, and closes it one tick of the event loop
 * after the last one: StrictMode and Fast Refresh mount again by then. Returns the release.
 */
export function hold(target: Holdable): () => void {
  const held = heldBy.get(target) ?? new Held(target);
  heldBy.set(target, held);
  return held.hold();
}

class Held {
  readonly #target: Holdable;
  #holders = 0;
  #cancelClosing = () => {};

  constructor(target: Holdable) {
    this.#target = target;
  }

  hold(): () => void {
    this.#cancelClosing();
    this.#holders++;
    this.#target.open?.();
    return () => {
      if (--this.#holders > 0) return;
      this.#cancelClosing = systemClock.setTimer(() => void this.#target.close(), 0);
    };
  }
}
