import { TokenBucket } from "../../socket/token_bucket.ts";

/** Refused frames that a connection may send, in bursts, before it is closed. */
const REFUSED_BURSTS = 10;
/** Fresh tokens are verified at most this often: each may cost as much as fifty messages. */
const TOKENS_PER_SECOND = 1;
const TOKENS_BURST = 5;

/** What a connection has to wait for, or that it has gone on for too long. */
export type Admission = "taken" | "flood" | { readonly retryAfterMs: number };

/** How often one connection may send. */
export class FrameRate {
  readonly #frames: TokenBucket;
  readonly #refusals: TokenBucket;
  readonly #tokens: TokenBucket;

  /** `now` is in milliseconds, here and below. */
  constructor(perSecond: number, burst: number, now: number) {
    this.#frames = new TokenBucket(perSecond, burst, now);
    this.#refusals = new TokenBucket(perSecond, burst * REFUSED_BURSTS, now);
    this.#tokens = new TokenBucket(TOKENS_PER_SECOND, TOKENS_BURST, now);
  }

  /** Whether one more frame is taken. */
  admitFrame(now: number): Admission {
    const retryAfterMs = this.#frames.take(now);
    if (retryAfterMs === 0) return "taken";
    return this.#refusals.take(now) === 0 ? { retryAfterMs } : "flood";
  }

  /** After how many milliseconds a fresh token is looked at; 0 is now. */
  admitToken(now: number): number {
    return this.#tokens.take(now);
  }
}
