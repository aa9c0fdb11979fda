import type { Backplane } from "../../packages/server/src/backplane/contract.ts";
import {
  RedisBackplane,
  type RedisEvent,
  type RedisOptions,
  type RedisPlace,
} from "../../packages/server/src/backplane/redis/redis_backplane.ts";
import type { RedisProcess } from "../../tools/support/redis/redis_process.ts";
import { type TestWorld, USUAL } from "./world.ts";

/**
 * Ends an isolate's leases now. KEYS: none; ARGV: pattern of the lease keys, isolate, clock shift
 * in ms.
 */
const END_LEASES = `
local time = redis.call('TIME')
for _, key in ipairs(redis.call('KEYS', ARGV[1])) do
  if redis.call('ZSCORE', key, ARGV[2]) then
    local now = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[3])
    redis.call('ZADD', key, string.format('%.0f', now), ARGV[2])
  end
end`;

/** Fixture on a server or a cluster, with its own key prefix. */
export class RedisTestWorld implements TestWorld {
  /** Prefix of all keys. */
  readonly prefix: string = `test-${crypto.randomUUID()}:`;
  /** Errors that subscribers' `deliver` threw. */
  readonly deliverErrors: unknown[] = [];
  /** Connection events of all isolates. */
  readonly events: RedisEvent[] = [];
  readonly #place: RedisPlace;
  readonly #servers: readonly RedisProcess[];
  readonly #options: Partial<RedisOptions>;
  readonly #opened = new Set<RedisBackplane>();
  #shiftMs = 0;

  /** `servers` are all servers of the place; tests send them commands directly. */
  constructor(place: RedisPlace, servers: readonly RedisProcess[], options: Partial<RedisOptions> = {}) {
    this.#place = place;
    this.#servers = servers;
    this.#options = options;
  }

  /** Isolates that were opened, even if they are not ready. */
  get isolates(): readonly RedisBackplane[] {
    return [...this.#opened];
  }

  async open(options: Partial<RedisOptions> = {}): Promise<RedisBackplane> {
    const backplane = new RedisBackplane({
      ...USUAL,
      place: this.#place,
      prefix: this.prefix,
      onDeliverError: (error) => this.deliverErrors.push(error),
      onEvent: (event) => this.events.push(event),
      shiftMs: () => this.#shiftMs,
      // Longer than any advance of the clock, so that no lease of a live isolate ends.
      leaseMs: 1_000_000_000,
      // `advance` sweeps, so that no sweep runs by itself.
      sweepMs: 1_000_000,
      ...this.#options,
      ...options,
    });
    this.#opened.add(backplane);
    await backplane.ready();
    return backplane;
  }

  async advance(ms: number): Promise<void> {
    this.#shiftMs += ms;
    for (const backplane of this.#opened) await backplane.sweep();
  }

  readonly kill = async (backplane: Backplane): Promise<void> => {
    if (!(backplane instanceof RedisBackplane)) {
      throw new Error("The backplane was not opened by this world.");
    }
    this.#opened.delete(backplane);
    await backplane.abandon();
    for (const server of this.#servers) {
      const keys = `${this.prefix}*:leases`;
      await server.command("EVAL", END_LEASES, "0", keys, backplane.isolate, `${this.#shiftMs}`);
    }
  };

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(Array.from(this.#opened, (backplane) => backplane.close()));
  }
}
