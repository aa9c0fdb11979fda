import type { JSONWebKeySet } from "jose";
import { createInlineKeySet, type KeySet, KeySetUnavailable } from "./key_set.ts";

/** Key set that is fetched. */
export interface RemoteKeySet extends KeySet {
  /**
   * Resolves once there are keys; fetches them if there are none yet.
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
  /** Age from which the set is fetched in the background; the old keys serve meanwhile. */
  readonly maxAgeMs: number;
  /** Time after which a fetch has failed. */
  readonly timeoutMs: number;
  readonly fetch: typeof fetch;
  /** Monotonic clock, in milliseconds. */
  readonly now: () => number;
}

/** Shortest time between two fetches while there are no keys, against a storm in an outage. */
const RETRY_AFTER_FAILURE_MS = 1_000;

/**
 * Creates the cached key set of an address. Fetched keys serve on while the address is unreachable.
 * A token with another key then fails with `KeySetUnavailable`: it is not bad.
 */
export function createRemoteKeySet(options: RemoteKeySetOptions): RemoteKeySet {
  const { url, cooldownMs, maxAgeMs, now } = options;
  let keys: { readonly set: KeySet; readonly fetchedAt: number } | undefined;
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
        throw new KeySetUnavailable(`The key set's address answered ${response.status}`);
      }
      const body: unknown = await response.json();
      if (!isKeySet(body)) {
        throw new KeySetUnavailable("The key set's address did not answer with a JSON Web Key Set");
      }
      keys = { set: createInlineKeySet(body), fetchedAt: startedAt };
      failed = false;
      return keys.set;
    } catch (cause) {
      throw cause instanceof KeySetUnavailable
        ? cause
        : new KeySetUnavailable("The key set's address cannot be reached", { cause });
    } finally {
      lastAttempt = { at: startedAt, failed };
    }
  }

  /** Fetches the keys; concurrent callers share one fetch. */
  function refresh(): Promise<KeySet> {
    pending ??= fetchKeys().finally(() => pending = undefined);
    return pending;
  }

  /** Time since the last attempt, in milliseconds; infinite before the first. */
  const sinceLastAttempt = () => lastAttempt ? now() - lastAttempt.at : Infinity;

  async function current(): Promise<KeySet> {
    if (!keys) {
      if (!pending && lastAttempt?.failed && sinceLastAttempt() < RETRY_AFTER_FAILURE_MS) {
        throw new KeySetUnavailable("The key set's address could not be reached a moment ago");
      }
      return await refresh();
    }
    if (now() - keys.fetchedAt > maxAgeMs && sinceLastAttempt() > cooldownMs) {
      refresh().catch(() => {/* the old keys serve on; find() reports a missing key */});
    }
    return keys.set;
  }

  return {
    isCurrent: true,
    async ready() {
      await current();
    },
    async find(header) {
      const found = await (await current()).find(header);
      if (found) return found;
      // A shared secret is in no public list, so another fetch would not find it.
      if (header.alg === "HS256") return undefined;
      if (pending || sinceLastAttempt() >= cooldownMs) return await (await refresh()).find(header);
      if (lastAttempt?.failed) throw new KeySetUnavailable("The key set could not be fetched again");
      return undefined;
    },
  };
}

function isKeySet(value: unknown): value is JSONWebKeySet {
  return typeof value === "object" && value !== null && "keys" in value && Array.isArray(value.keys) &&
    value.keys.every((key) => typeof key === "object" && key !== null);
}
