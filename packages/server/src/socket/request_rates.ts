import type { MonotonicClock } from "../clocks.ts";
import { ExpiringCache } from "../expiring_cache.ts";
import { FLOOD_WAIT_MS } from "../../../protocol/limits.ts";
import { TokenBucket } from "./token_bucket.ts";

/** Rates of `RequestRates`, per second. */
export interface RequestRatesOptions {
  /** HTTP requests of one user. */
  readonly userRequests: number;
  /** Refused requests without a user, of the whole isolate. */
  readonly refusedRequests: number;
  /** Sockets and event streams that one user opens, on average and at once. */
  readonly joins: number;
  readonly joinsBurst: number;
  /** Sockets and event streams that all users open. */
  readonly isolateJoins: number;
  readonly now: MonotonicClock;
}

/** Seconds' worth of requests that may come at once after a pause. */
export const BURST_SECONDS = 5;
/** Rate of all secret keys together, as a multiple of one user's. */
const SECRET_KEYS_SHARE = 10;
/** Users with buckets of one kind. The bucket that was used least recently goes first. */
const MAX_BUCKETS = 10_000;

/** State of a bucket of requests, for the answer's headers. */
export interface RequestQuota {
  /** Name of the policy: `user` or `secret-key`. */
  readonly name: string;
  /** Requests that may come at once after a pause. */
  readonly quota: number;
  readonly remaining: number;
  /** Seconds until the whole quota is there again. */
  readonly resetSeconds: number;
  /** Milliseconds until a request is accepted; 0 if this one was. */
  readonly retryAfterMs: number;
}

/** Refusal of a join. */
export interface JoinRefusal {
  readonly code: "rate_limited" | "overloaded";
  readonly retryAfterMs: number;
}

/** Rate limits of one isolate: HTTP requests and joins of each user, and refused requests. */
export class RequestRates {
  readonly #options: RequestRatesOptions;
  readonly #requests: UserBuckets;
  readonly #joins: UserBuckets;
  readonly #secretKeys: TokenBucket;
  readonly #refusals: TokenBucket;
  readonly #isolateJoins: TokenBucket;

  constructor(options: RequestRatesOptions) {
    const { userRequests, joins, joinsBurst, now } = this.#options = options;
    const bucket = (rate: number) => new TokenBucket(rate, rate * BURST_SECONDS, now());
    this.#requests = new UserBuckets(userRequests, userRequests * BURST_SECONDS, now);
    this.#joins = new UserBuckets(joins, joinsBurst, now);
    this.#secretKeys = bucket(userRequests * SECRET_KEYS_SHARE);
    this.#refusals = bucket(options.refusedRequests);
    this.#isolateJoins = bucket(options.isolateJoins);
  }

  /** Counts an HTTP request of a user; undefined stands for all secret keys together. */
  request(userId: string | undefined): RequestQuota {
    const { userRequests, now } = this.#options;
    const isUser = userId !== undefined;
    const bucket = isUser ? this.#requests.of(userId) : this.#secretKeys;
    return {
      name: isUser ? "user" : "secret-key",
      quota: userRequests * BURST_SECONDS * (isUser ? 1 : SECRET_KEYS_SHARE),
      retryAfterMs: bucket.take(now()),
      remaining: bucket.remaining(now()),
      resetSeconds: Math.ceil(bucket.fullInMs(now()) / 1000),
    };
  }

  /** Counts a refused request without a user. Returns the milliseconds to wait; 0 for none. */
  refusal(): number {
    return this.#refusals.take(this.#options.now());
  }

  /** Counts a socket or event stream that a user opens. Returns the reason to refuse it. */
  join(userId: string): JoinRefusal | undefined {
    const now = this.#options.now();
    // The user first: one user cannot spend what all users share.
    const ofUserMs = this.#joins.of(userId).take(now);
    if (ofUserMs > 0) return { code: "rate_limited", retryAfterMs: ofUserMs };
    const ofIsolateMs = this.#isolateJoins.take(now);
    return ofIsolateMs > 0 ? { code: "overloaded", retryAfterMs: ofIsolateMs } : undefined;
  }

  /** Makes a user that flooded a socket wait with HTTP requests too. */
  flooded(userId: string): void {
    this.#requests.of(userId).empty(FLOOD_WAIT_MS, this.#options.now());
  }
}

/** Buckets of users. A bucket that must be full by now is forgotten. */
class UserBuckets {
  readonly #create: () => TokenBucket;
  readonly #buckets: ExpiringCache<string, TokenBucket>;

  constructor(perSecond: number, burst: number, now: MonotonicClock) {
    this.#create = () => new TokenBucket(perSecond, burst, now());
    const fullAfterMs = burst / perSecond * 1000 + FLOOD_WAIT_MS;
    this.#buckets = new ExpiringCache({
      maxEntries: MAX_BUCKETS,
      expiresAt: (_bucket, usedAtMs) => usedAtMs + fullAfterMs,
      now,
    });
  }

  of(userId: string): TokenBucket {
    const bucket = this.#buckets.peek(userId) ?? this.#create();
    this.#buckets.set(userId, bucket);
    return bucket;
  }
}
