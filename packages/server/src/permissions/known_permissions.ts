import type { MonotonicClock } from "../clocks.ts";
import { ExpiringCache } from "../expiring_cache.ts";
import type { RoomPermissions } from "../rooms/policy/authorize.ts";
import { ByRoomAndUser, type Scope } from "./by_room_and_user.ts";

/** Question to the database: permissions of one user, with these claims, in one room. */
export interface Question {
  readonly room: string;
  readonly userId: string;
  readonly role: string;
  /** All claims of the user as JSON text, the role included. */
  readonly claims: string;
}

/** Options of `KnownPermissions`. */
export interface KnownPermissionsOptions {
  /** Time that an answer is cached, in milliseconds. */
  readonly maxAgeMs: number;
  /** Number of cached answers. */
  readonly maxEntries: number;
  readonly now: MonotonicClock;
}

/**
 * Cache of answers. An answer counts only for the same user, room and claims. Equal questions share
 * one statement.
 */
export class KnownPermissions {
  readonly #cache: ExpiringCache<Question, RoomPermissions>;
  /** Keys of the cache by room, user and claims: equal questions are one key. */
  readonly #questions = new ByRoomAndUser<Map<string, Question>>();
  /** True while change notifications arrive; an answer could go stale unnoticed otherwise. */
  #isKeeping = false;

  constructor({ maxAgeMs, maxEntries, now }: KnownPermissionsOptions) {
    this.#cache = new ExpiringCache({
      maxEntries,
      now,
      // Permissions may change while the statement runs, so the age counts from its start.
      expiresAt: (_permissions, startedAtMs) => this.#isKeeping ? startedAtMs + maxAgeMs : -Infinity,
      onRemoved: (question) => this.#remove(question),
    });
  }

  /** Returns the cached answer, or that of `ask`. A rejection of `ask` is not cached. */
  get(question: Question, ask: () => Promise<RoomPermissions>): Promise<RoomPermissions> {
    return this.#cache.get(this.#keyOf(question), ask);
  }

  /** Drops the answers of a scope. A statement under way still answers those who wait for it. */
  forget(scope: Scope): void {
    for (const byClaims of this.#questions.within(scope)) {
      for (const question of [...byClaims.values()]) this.#cache.delete(question);
    }
  }

  /** Drops all answers; from now on keeps new ones, or does not. */
  keep(isKeeping: boolean): void {
    this.#isKeeping = isKeeping;
    this.forget({ room: undefined, userId: undefined });
  }

  #keyOf(question: Question): Question {
    const { room, userId, claims } = question;
    const byClaims = this.#questions.get(room, userId) ?? new Map<string, Question>();
    if (byClaims.size === 0) this.#questions.set(room, userId, byClaims);
    const known = byClaims.get(claims) ?? question;
    byClaims.set(claims, known);
    return known;
  }

  #remove({ room, userId, claims }: Question): void {
    const byClaims = this.#questions.get(room, userId);
    byClaims?.delete(claims);
    if (byClaims?.size === 0) this.#questions.delete(room, userId);
  }
}
