import type { MonotonicClock } from "../clocks.ts";
import type { JSONWebKeySet } from "jose";
import { createPublicKeySet, type KeySet, KeySetUnavailable } from "./key_set.ts";
import { UnknownKeys } from "./unknown_keys.ts";

/** Key set that is fetched. */
export interface RemoteKeySet extends KeySet {
  /**
   * Resolves once there are keys; fetches them if there are none, or none that still count.
   * @throws {KeySetUnavailable} while the keys cannot be fetched
   */
  ready(): Promise<void>;
}

/** Options of `createRemoteKeySet`. */
export interface RemoteKeySetOptions {
  /** Address of the JSON Web Key Set. */
  readonly url: string;
  /** Shortest time between two fetches for an unknown `kid`. */
  readonly cooldownMs: number;
  /**
   * Age from which the set is fetched in the background; the old keys serve meanwhile. At twice the
   * age they count no longer, so that a revoked key ends then at the latest.
   */
  readonly maxAgeMs: number;
  /** Time after which a fetch has failed. */
  readonly timeoutMs: number;
  readonly fetch: typeof fetch;
  /** Monotonic clock, in milliseconds. */
  readonly now: MonotonicClock;
}

/** Result of a complete fetch. */
interface FetchedKeys {
  readonly set: KeySet;
  readonly kids: readonly string[];
  readonly fetchedAt: number;
}

/** Shortest time between two fetches while there are no keys, against a storm in an outage. */
const RETRY_AFTER_FAILURE_MS = 1_000;

/**
 * Creates the cached set of the public keys at an address. It never serves HS256. A `kid` that a
 * fetch did not bring is unknown until the next fetch; a `kid` that appeared after it cannot be
 * judged before the next one, and fails with `KeySetUnavailable`.
 */
export function createRemoteKeySet(options: RemoteKeySetOptions): RemoteKeySet {
  const { url, cooldownMs, maxAgeMs, now } = options;
  const unknown = new UnknownKeys();
  let keys: FetchedKeys | undefined;
  let lastAttempt: { readonly at: number; readonly failed: boolean } | undefined;
  let pending: Promise<KeySet> | undefined;

  async function fetchKeys(): Promise<KeySet> {
    const startedAt = now();
    let failed = true;
    try {
      const response = await options.fetch(url, {
        redirect: "error",
        signal: AbortSignal.timeout(options.timeoutMs),
        headers: { accept: "application/json" },
      });
      if (!response.ok) {
        await response.body?.cancel();
        throw unavailable(`The key set's address answered ${response.status}`);
      }
      const body: unknown = await response.json();
      if (!isKeySet(body)) {
        throw unavailable("The key set's address did not answer with a JSON Web Key Set");
      }
      unknown.fetched(keys?.kids ?? []);
      keys = {
        set: createPublicKeySet(body),
        kids: body.keys.flatMap(({ kid }) => typeof kid === "string" ? kid : []),
        fetchedAt: startedAt,
      };
      failed = false;
      return keys.set;
    } catch (cause) {
      throw cause instanceof KeySetUnavailable
        ? cause
        : unavailable("The key set's address cannot be reached", { cause });
    } finally {
      lastAttempt = { at: startedAt, failed };
    }
  }

  function unavailable(
    message: string,
    details: { readonly cause?: unknown; readonly retryAfterMs?: number } = {},
  ): KeySetUnavailable {
    return new KeySetUnavailable(message, { ...details, isFirst: keys === undefined });
  }

  /** Fetches the keys; concurrent callers share one fetch. */
  function refresh(): Promise<KeySet> {
    pending ??= fetchKeys().finally(() => pending = undefined);
    return pending;
  }

  /** Time since the last attempt, in milliseconds; infinite before the first. */
  const sinceLastAttempt = () => lastAttempt ? now() - lastAttempt.at : Infinity;

  /** Returns the keys that still count, and fetches in the background what is beyond its age. */
  function trusted(): KeySet | undefined {
    if (!keys) return undefined;
    const ageMs = now() - keys.fetchedAt;
    if (ageMs > 2 * maxAgeMs) return undefined;
    if (ageMs > maxAgeMs && (!lastAttempt?.failed || sinceLastAttempt() > cooldownMs)) {
      refresh().catch(() => {/* the old keys serve on; find() reports a missing key */});
    }
    return keys.set;
  }

  /** Fetches the keys, or joins a fetch, unless the last one began too recently. */
  async function fetchUnlessRecent(hasKeys: boolean): Promise<KeySet> {
    const pauseMs = hasKeys ? cooldownMs : lastAttempt?.failed ? RETRY_AFTER_FAILURE_MS : 0;
    const retryAfterMs = pauseMs - sinceLastAttempt();
    if (pending || retryAfterMs <= 0) return await refresh();
    throw unavailable(
      lastAttempt?.failed
        ? "The key set's address could not be reached a moment ago"
        : "The key set was fetched before this key was first seen",
      { retryAfterMs },
    );
  }

  return {
    async ready() {
      if (!trusted()) await fetchUnlessRecent(false);
    },
    async find(header) {
      // A shared secret is in no public list.
      if (header.alg === "HS256") return undefined;
      const set = trusted();
      const found = await set?.find(header);
      if (found) return found;
      const isFresh = set && !pending && !lastAttempt?.failed && sinceLastAttempt() < cooldownMs;
      if (isFresh && unknown.wasMissing(header.kid)) return undefined;
      unknown.seen(header.kid);
      return await (await fetchUnlessRecent(set !== undefined)).find(header);
    },
  };
}

function isKeySet(value: unknown): value is JSONWebKeySet {
  return typeof value === "object" && value !== null && "keys" in value && Array.isArray(value.keys) &&
    value.keys.every((key) => typeof key === "object" && key !== null);
}
