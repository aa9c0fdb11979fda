import type { JSONWebKeySet } from "jose";
import { createInlineKeySet, type KeySet, KeySetUnavailable } from "./key_set.ts";

/** A key set that has to be fetched. */
export interface RemoteKeySet extends KeySet {
  /**
   * Resolves when there are keys, fetching them if there are none yet.
   * @throws {KeySetUnavailable} when they cannot be had right now
   */
  ready(): Promise<void>;
}

/** Where a key set is fetched and how often. */
export interface RemoteKeySetOptions {
  /** The address of the JSON Web Key Set. */
  readonly url: string;
  /** An unknown `kid` has the set fetched again at most once in this time. */
  readonly cooldownMs: number;
  /** A set older than this is fetched again in the background; the old keys serve until that succeeds. */
  readonly maxAgeMs: number;
  /** A fetch that takes longer has failed. */
  readonly timeoutMs: number;
  readonly fetch: typeof fetch;
  /** Milliseconds; only differences count. */
  readonly now: () => number;
}

/** After a failed fetch with no keys at hand, the next one waits this long: an outage is not answered with a storm. */
const RETRY_AFTER_FAILURE_MS = 1_000;

/**
 * The key set at an address, cached. Keys that were fetched once go on serving while the address is unreachable; a
 * token that names another key is then unverifiable (`KeySetUnavailable`), not bad.
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
      if (!isKeySet(body)) throw new KeySetUnavailable("The key set's address answered with something else");
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

  /** Everybody who needs a fetch while one is under way waits for that one. */
  function refresh(): Promise<KeySet> {
    pending ??= fetchKeys().finally(() => pending = undefined);
    return pending;
  }

  /** How long ago the last attempt was; infinite before the first. */
  const sinceLastAttempt = () => lastAttempt ? now() - lastAttempt.at : Infinity;

  async function current(): Promise<KeySet> {
    if (!keys) {
      if (!pending && lastAttempt?.failed && sinceLastAttempt() < RETRY_AFTER_FAILURE_MS) {
        throw new KeySetUnavailable("The key set's address could not be reached a moment ago");
      }
      return await refresh();
    }
    if (now() - keys.fetchedAt > maxAgeMs && sinceLastAttempt() > cooldownMs) {
      refresh().catch(() => {/* the old keys serve on; find() tells when they are not enough */});
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
      // A shared secret stands in no public list: fetching it again would not find one.
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
