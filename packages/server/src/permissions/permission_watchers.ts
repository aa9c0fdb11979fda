import type { PermissionWatch } from "../rooms/policy/authorize.ts";
import { ByRoomAndUser, type Scope } from "./by_room_and_user.ts";

/** Members' interest in what they may do. */
export class PermissionWatchers {
  readonly #watchers = new ByRoomAndUser<Set<Watcher>>();
  /** Those that could not be looked at. */
  readonly #unanswered = new Set<Watcher>();

  /** Adds one: `again` looks, and rejects when it cannot. */
  add(userId: string, room: string, again: () => Promise<void>): PermissionWatch {
    const watcher = new Watcher(again, this.#unanswered);
    const together = this.#watchers.get(room, userId) ?? new Set();
    if (together.size === 0) this.#watchers.set(room, userId, together);
    together.add(watcher);
    return {
      refresh: () => watcher.look(),
      stop: () => {
        watcher.stop();
        // A set that was emptied is not used again, so another one may stand in its place.
        if (!together.delete(watcher) || together.size > 0) return;
        if (this.#watchers.get(room, userId) === together) this.#watchers.delete(room, userId);
      },
    };
  }

  /** Has everyone of the scope looked at. */
  look(scope: Scope): void {
    for (const together of this.#watchers.within(scope)) for (const watcher of together) watcher.look();
  }

  /** Has those looked at again that could not be. */
  retry(): void {
    const unanswered = [...this.#unanswered];
    this.#unanswered.clear();
    for (const watcher of unanswered) watcher.look();
  }
}

/** One member's. */
class Watcher {
  readonly #again: () => Promise<void>;
  readonly #unanswered: Set<Watcher>;
  #isLooking = false;
  /** Whether something changed while it was being looked at. */
  #isAskedAgain = false;
  #isStopped = false;

  constructor(again: () => Promise<void>, unanswered: Set<Watcher>) {
    this.#again = again;
    this.#unanswered = unanswered;
  }

  look(): void {
    if (this.#isLooking) this.#isAskedAgain = true;
    else void this.#look();
  }

  stop(): void {
    this.#isStopped = true;
    this.#unanswered.delete(this);
  }

  async #look(): Promise<void> {
    this.#isLooking = true;
    try {
      do {
        this.#isAskedAgain = false;
        if (!this.#isStopped) await this.#again();
      } while (this.#isAskedAgain);
    } catch {
      // Why is told where it failed.
      if (!this.#isStopped) this.#unanswered.add(this);
    } finally {
      this.#isLooking = false;
    }
  }
}
