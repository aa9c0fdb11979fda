import type { MonotonicClock } from "../clocks.ts";
import type { User } from "./user.ts";
import { type Refusal, unavailable, type Verification } from "./verification.ts";

/** Verifies tokens of open connections again. */
export interface TokenCheck {
  /** Returns the token that a user was verified with; undefined if nobody can know. */
  tokenOf(user: User): string | undefined;
  /** Verifies a token as if it were new. */
  verifyAgain(token: string): Promise<Verification>;
}

/** A connection that ends with its user's session. */
export interface SessionConnection {
  endSession(): void;
}

/** Options of `SessionWatch`. */
export interface SessionWatchOptions extends TokenCheck {
  /** Time between two checks of one token, in milliseconds. */
  readonly everyMs: number;
  /** Checks that are under way at most. Later ones wait, so that a slow Auth lowers the pace. */
  readonly checks: number;
  /** Called once when checks begin to fail, until one succeeds. */
  readonly onUnavailable: (refusal: Refusal) => void;
  readonly now: MonotonicClock;
}

/** Shortest pause between two rounds of checks: tokens that are due soon wait for one another. */
const ROUND_MS = 100;

/** A token with the open connections that it was sent for. */
interface Session {
  readonly token: string;
  readonly connections: Set<SessionConnection>;
  dueAtMs: number;
}

/**
 * Checks the tokens of open connections again and again, since sessions end before their tokens do:
 * at a sign-out, a ban or a deletion. Each token is checked once, however many connections it has.
 * While a token cannot be verified its connections stay.
 */
export class SessionWatch {
  readonly #options: SessionWatchOptions;
  readonly #sessionOf = new Map<SessionConnection, Session>();
  readonly #sessions = new Map<string, Session>();
  /** Sessions that wait for their check, the next one first: each waits for the same time. */
  readonly #waiting = new Set<Session>();
  #underWay = 0;
  #isUnavailable = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: SessionWatchOptions) {
    this.#options = options;
  }

  /** Watches a connection with this user's token, in place of its earlier one. */
  add(connection: SessionConnection, user: User): void {
    this.delete(connection);
    const token = this.#options.tokenOf(user);
    if (token === undefined) return;
    let session = this.#sessions.get(token);
    if (!session) {
      session = { token, connections: new Set(), dueAtMs: 0 };
      this.#sessions.set(token, session);
      this.#wait(session);
    }
    session.connections.add(connection);
    this.#sessionOf.set(connection, session);
  }

  /** Stops watching a connection. */
  delete(connection: SessionConnection): void {
    const session = this.#sessionOf.get(connection);
    if (!session) return;
    this.#sessionOf.delete(connection);
    session.connections.delete(connection);
    if (session.connections.size === 0) this.#forget(session);
  }

  #forget(session: Session): void {
    this.#sessions.delete(session.token);
    this.#waiting.delete(session);
    if (this.#waiting.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #wait(session: Session): void {
    const { now, everyMs } = this.#options;
    session.dueAtMs = now() + everyMs;
    this.#waiting.add(session);
    this.#schedule();
  }

  #schedule(): void {
    const [next] = this.#waiting;
    if (!next || this.#timer !== undefined || this.#underWay >= this.#options.checks) return;
    const waitMs = Math.max(ROUND_MS, next.dueAtMs - this.#options.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#checkDue();
    }, waitMs);
  }

  #checkDue(): void {
    const { now, checks } = this.#options;
    for (const session of this.#waiting) {
      if (session.dueAtMs > now() || this.#underWay >= checks) break;
      this.#waiting.delete(session);
      void this.#check(session);
    }
    this.#schedule();
  }

  /** Never rejects. */
  async #check(session: Session): Promise<void> {
    this.#underWay++;
    const verdict = await this.#options.verifyAgain(session.token).catch((error: unknown) =>
      unavailable("The token cannot be verified again right now.", error)
    );
    this.#underWay--;
    this.#note(verdict);
    if (this.#sessions.get(session.token) === session) {
      // Each connection has its own answer to an expiry.
      if (!verdict.ok && verdict.code === "invalid_token") this.#end(session);
      else if (!verdict.ok && verdict.code === "token_expired") this.#forget(session);
      else this.#wait(session);
    }
    this.#checkDue();
  }

  #note(verdict: Verification): void {
    const isUnavailable = !verdict.ok && verdict.code === "auth_unavailable";
    if (isUnavailable && !this.#isUnavailable) this.#options.onUnavailable(verdict);
    this.#isUnavailable = isUnavailable;
  }

  #end(session: Session): void {
    this.#forget(session);
    for (const connection of session.connections) {
      this.#sessionOf.delete(connection);
      connection.endSession();
    }
    session.connections.clear();
  }
}
