import { BackplaneUnavailable } from "../backplane/contract.ts";
import { CallLimit } from "../call_limit.ts";

/** Reads of one user that are under way, and that may wait. */
const USER_READS = 2;
const WAITING_USER_READS = 500;
/** The same for all users of the isolate. Subscriptions share the store's connections with them. */
const ISOLATE_READS = 4;
const WAITING_ISOLATE_READS = 10_000;

/** Rejection of a read whose user has too many that wait: answered with `rate_limited`. */
export class TooManyReads extends BackplaneUnavailable {}

/**
 * Bounds the reads of history and presence. A user's further reads wait behind its own, so they
 * take no turn of another user.
 */
export class ReadLimits {
  readonly #isolate = new CallLimit(
    ISOLATE_READS,
    WAITING_ISOLATE_READS,
    () => new BackplaneUnavailable("Too many reads of this isolate wait. Retry shortly."),
  );
  /** Users that have reads under way. */
  readonly #users = new Map<string, CallLimit>();
  readonly #waitingPerUser: number;

  /** `waitingPerUser` is the number of reads of one user that may wait; 500 by default. */
  constructor(waitingPerUser: number = WAITING_USER_READS) {
    this.#waitingPerUser = waitingPerUser;
  }

  /**
   * Runs a read as soon as the limits permit.
   * @throws {TooManyReads} as a rejection, if too many reads of the user wait already
   * @throws {BackplaneUnavailable} as a rejection, if too many reads of the isolate wait already
   */
  async run<Result>(userId: string, read: () => Promise<Result>): Promise<Result> {
    let user = this.#users.get(userId);
    if (!user) {
      user = new CallLimit(
        USER_READS,
        this.#waitingPerUser,
        () => new TooManyReads("Too many reads of this user wait. Retry shortly."),
      );
      this.#users.set(userId, user);
    }
    try {
      return await user.run(() => this.#isolate.run(read));
    } finally {
      if (user.isIdle && this.#users.get(userId) === user) this.#users.delete(userId);
    }
  }
}
