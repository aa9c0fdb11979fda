import { BackplaneUnavailable } from "../contract.ts";
import { pause } from "../with_timeout.ts";
import type { Address } from "./address.ts";
import type { ResolvedOptions } from "./redis_options.ts";

/** Last known state of a room: server run id, epoch and head offset. */
export interface KnownState {
  readonly runId: string;
  readonly epoch: string;
  readonly head: number;
}

/**
 * Sends the known state of a room to Redis; epoch and run id are empty if the isolate knows
 * nothing. Resolves with the decided state, or undefined while other isolates still have to
 * confirm.
 */
export type SendKnownState = (
  known: readonly [epoch: string, head: number, runId: string],
) => Promise<KnownState | undefined>;

interface GuardedRoom {
  readonly address: Address;
  known: KnownState;
  /** Time of the last update, by performance.now(). */
  updatedAt: number;
}

/**
 * First pause between two confirmations of a room, in milliseconds; each next one is twice as long.
 */
const FIRST_PAUSE_MS = 20;
/** Time without updates after which an unused room is idle, in milliseconds. */
const IDLE_MS = 5_000;

/**
 * Detects history that Redis lost. The guard remembers what this isolate may have broadcast of each
 * room. After a server restart or failover nothing happens to a room until its history is
 * confirmed; see CONFIRM in scripts/confirm.ts.
 */
export class HistoryGuard {
  readonly #options: ResolvedOptions;
  readonly #rooms = new Map<string, GuardedRoom>();
  readonly #confirming = new Map<string, Promise<void>>();
  readonly #closing = new AbortController();

  constructor(options: ResolvedOptions) {
    this.#options = options;
  }

  /** Lists the rooms with a known state. */
  addresses(): Address[] {
    return Array.from(this.#rooms.values(), ({ address }) => address);
  }

  /** Returns the last known state of a room. */
  knownState(address: Address): KnownState | undefined {
    return this.#rooms.get(address.channel)?.known;
  }

  /**
   * True if the last known state came from a different server run; false while the server is down.
   */
  needsConfirmation(address: Address, runId: string | undefined): boolean {
    const room = this.#rooms.get(address.channel);
    return room !== undefined && runId !== undefined && room.known.runId !== runId;
  }

  /** True if messages of this server run may be delivered. */
  isCurrentRun(channel: string, runId: string): boolean {
    const room = this.#rooms.get(channel);
    return room === undefined || room.known.runId === runId;
  }

  /**
   * Updates the known state of a room. Ignores states of another server run until it is confirmed.
   */
  observe(address: Address, { runId, epoch, head }: KnownState): void {
    const room = this.#rooms.get(address.channel);
    const updatedAt = performance.now();
    if (!room) {
      this.#rooms.set(address.channel, { address, known: { runId, epoch, head }, updatedAt });
      return;
    }
    const { known } = room;
    if (known.runId !== runId) return;
    room.updatedAt = updatedAt;
    room.known = { runId, epoch, head: known.epoch === epoch ? Math.max(known.head, head) : head };
  }

  /** Lists unused rooms without updates for IDLE_MS. */
  idleAddresses(isUsed: (address: Address) => boolean): Address[] {
    const since = performance.now() - IDLE_MS;
    return Array.from(this.#rooms.values())
      .filter(({ address, updatedAt }) => updatedAt < since && !isUsed(address))
      .map(({ address }) => address);
  }

  /** Removes the known state of a room. */
  forget(address: Address): void {
    this.#rooms.delete(address.channel);
  }

  /** Aborts running confirmations. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#confirming.values());
  }

  /**
   * Confirms the known state of a room until its history is decided.
   * @throws {BackplaneUnavailable} as a rejection, if other isolates do not confirm within `waitMs`
   */
  confirm(address: Address, send: SendKnownState): Promise<void> {
    const running = this.#confirming.get(address.channel);
    if (running) return running;
    const confirming = this.#confirm(address, send).finally(() =>
      void this.#confirming.delete(address.channel)
    );
    this.#confirming.set(address.channel, confirming);
    return confirming;
  }

  async #confirm(address: Address, send: SendKnownState): Promise<void> {
    const giveUpAt = performance.now() + this.#options.waitMs;
    for (let pauseMs = FIRST_PAUSE_MS;; pauseMs *= 2) {
      const current = this.#rooms.get(address.channel)?.known;
      const known = await send(current ? [current.epoch, current.head, current.runId] : ["", 0, ""]);
      if (known) {
        this.#rooms.set(address.channel, { address, known, updatedAt: performance.now() });
        return;
      }
      if (this.#closing.signal.aborted || performance.now() + pauseMs > giveUpAt) {
        throw new BackplaneUnavailable("Redis restarted; verifying room history. Retry shortly.");
      }
      await pause(pauseMs, this.#closing.signal);
    }
  }
}
