import { TokenBucket } from "./token_bucket.ts";

/** Refused frames that a connection may send, in bursts, before it is closed. */
const REFUSED_BURSTS = 10;
/** Fresh tokens verified per second: each may cost as much as fifty messages. */
const TOKENS_PER_SECOND = 1;
const TOKENS_BURST = 5;

/** The decision about a frame: taken, refused until later, or a flood that ends the connection. */
export type Admission = "taken" | "flood" | { readonly retryAfterMs: number };

/** Rate limits of one connection's frames. */
export class FrameRate {
  readonly #frames: TokenBucket;
  readonly #refusals: TokenBucket;
  readonly #tokens: TokenBucket;

  /** Takes frames per second, a burst, and the time in milliseconds. */
  constructor(perSecond: number, burst: number, now: number) {
    this.#frames = new TokenBucket(perSecond, burst, now);
    this.#refusals = new TokenBucket(perSecond, burst * REFUSED_BURSTS, now);
    this.#tokens = new TokenBucket(TOKENS_PER_SECOND, TOKENS_BURST, now);
  }

  /** Decides about one more frame. */
  admitFrame(now: number): Admission {
    const retryAfterMs = this.#frames.take(now);
    if (retryAfterMs === 0) return "taken";
    return this.#refusals.take(now) === 0 ? { retryAfterMs } : "flood";
  }

  /** Milliseconds until a fresh token is verified; 0 is now. */
  admitToken(now: number): number {
    return this.#tokens.take(now);
  }
}
