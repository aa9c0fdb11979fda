import type { PermissionWatch } from "../rooms/policy/authorize.ts";
import { ByRoomAndUser, type Scope } from "./by_room_and_user.ts";

/** Watches of members on their permissions. */
export class PermissionWatchers {
  readonly #watchers = new ByRoomAndUser<Set<Watcher>>();
  /** Watchers whose last check failed. */
  readonly #failed = new Set<Watcher>();

  /** Adds a watch. `again` checks the permissions, and rejects if that fails. */
  add(userId: string, room: string, again: () => Promise<void>): PermissionWatch {
    const watcher = new Watcher(again, this.#failed);
    const together = this.#watchers.get(room, userId) ?? new Set();
    if (together.size === 0) this.#watchers.set(room, userId, together);
    together.add(watcher);
    return {
      refresh: () => watcher.check(),
      stop: () => {
        watcher.stop();
        // An empty set leaves the map for good; a newer set may have its place.
        if (!together.delete(watcher) || together.size > 0) return;
        if (this.#watchers.get(room, userId) === together) this.#watchers.delete(room, userId);
      },
    };
  }

  /** Checks the permissions of all watchers in a scope. */
  check(scope: Scope): void {
    for (const together of this.#watchers.within(scope)) for (const watcher of together) watcher.check();
  }

  /** Repeats the checks that failed. */
  retry(): void {
    const failed = [...this.#failed];
    this.#failed.clear();
    for (const watcher of failed) watcher.check();
  }
}

/** Watch of one member. */
class Watcher {
  readonly #again: () => Promise<void>;
  readonly #failed: Set<Watcher>;
  #isChecking = false;
  /** True if permissions may have changed during the check. */
  #isCheckDue = false;
  #isStopped = false;

  constructor(again: () => Promise<void>, failed: Set<Watcher>) {
    this.#again = again;
    this.#failed = failed;
  }

  check(): void {
    if (this.#isChecking) this.#isCheckDue = true;
    else void this.#check();
  }

  stop(): void {
    this.#isStopped = true;
    this.#failed.delete(this);
  }

  /** Never rejects. */
  async #check(): Promise<void> {
    this.#isChecking = true;
    try {
      do {
        this.#isCheckDue = false;
        if (!this.#isStopped) await this.#again();
      } while (this.#isCheckDue);
    } catch {
      // The policy has logged the reason.
      if (!this.#isStopped) this.#failed.add(this);
    } finally {
      this.#isChecking = false;
    }
  }
}
