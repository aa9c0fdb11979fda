import type { RoomPermissions } from "../rooms/policy/authorize.ts";
import { ByRoomAndUser, type Scope } from "./by_room_and_user.ts";

/** Somebody who is asked about. */
export interface Question {
  readonly room: string;
  readonly userId: string;
  readonly role: string;
  /** JSON text: all that is known of the user, the role too. */
  readonly claims: string;
}

/** How much is remembered. */
export interface KnownPermissionsOptions {
  /** For how long, in milliseconds. */
  readonly maxAgeMs: number;
  /** How many answers. */
  readonly maxEntries: number;
  /** Milliseconds; never goes back. */
  readonly now: () => number;
}

/** Answers to one user's questions about one room, by the claims that they were asked with. */
interface Answers {
  readonly room: string;
  readonly userId: string;
  readonly byClaims: Map<string, Answer>;
}

interface Answer {
  readonly permissions: Promise<RoomPermissions>;
  readonly untilMs: number;
}

/**
 * What was found out a moment ago, so that it is not asked again: an answer is only for who asks about the same room with the very same
 * claims. Questions that come while the same one is being answered wait for that answer.
 */
export class KnownPermissions {
  readonly #options: KnownPermissionsOptions;
  readonly #answers = new ByRoomAndUser<Answers>();
  #size = 0;
  /** Whether answers are kept: only while it would be told that they are not true any more. */
  #isKeeping = false;

  constructor(options: KnownPermissionsOptions) {
    this.#options = options;
  }

  /** The answer that is known, or what `ask` resolves with; rejects when that does, and remembers nothing then. */
  async get(question: Question, ask: () => Promise<RoomPermissions>): Promise<RoomPermissions> {
    const { room, userId, claims } = question;
    const { maxAgeMs, maxEntries, now } = this.#options;
    const known = this.#answers.get(room, userId)?.byClaims.get(claims);
    if (known && now() < known.untilMs) return await known.permissions;
    if (this.#size >= maxEntries) this.forget({ room: undefined, userId: undefined });
    const answers = this.#answersOf(room, userId);
    // From now, and not from when it is answered: it was true then.
    const answer: Answer = { permissions: ask(), untilMs: now() + maxAgeMs };
    if (!answers.byClaims.has(claims)) this.#size += 1;
    answers.byClaims.set(claims, answer);
    try {
      const permissions = await answer.permissions;
      if (!this.#isKeeping) this.#drop(answers, claims, answer);
      return permissions;
    } catch (error) {
      this.#drop(answers, claims, answer);
      throw error;
    }
  }

  /** What is known of the scope may not be true any more; an answer that is under way is for those only who wait for it already. */
  forget(scope: Scope): void {
    for (const { room, userId, byClaims } of this.#answers.within(scope)) {
      this.#size -= byClaims.size;
      this.#answers.delete(room, userId);
    }
  }

  /** Forgets everything, and from now on keeps answers, or does not. */
  keep(isKeeping: boolean): void {
    this.#isKeeping = isKeeping;
    this.forget({ room: undefined, userId: undefined });
  }

  #answersOf(room: string, userId: string): Answers {
    let answers = this.#answers.get(room, userId);
    if (!answers) {
      answers = { room, userId, byClaims: new Map() };
      this.#answers.set(room, userId, answers);
    }
    return answers;
  }

  #drop(answers: Answers, claims: string, answer: Answer): void {
    const { room, userId, byClaims } = answers;
    // Forgotten meanwhile, or asked anew: what is known now is another answer.
    if (this.#answers.get(room, userId) !== answers || byClaims.get(claims) !== answer) return;
    byClaims.delete(claims);
    this.#size -= 1;
    if (byClaims.size === 0) this.#answers.delete(room, userId);
  }
}
