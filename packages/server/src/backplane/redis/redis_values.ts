import type { ValueAddress } from "./address.ts";
import { textsOf } from "./redis_server.ts";
import type { RoomCalls } from "./room_calls.ts";

/**
 * Beginning of both scripts: the time in milliseconds. ARGV: 1 milliseconds that a test adds to the
 * clock. KEYS: 1 the value, as its expiry, a space and the text.
 */
const CLOCK = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[1])
`;

/** ARGV: 2 the time until the expiry, 3 the text. */
const PUT = CLOCK + `
redis.call('SET', KEYS[1], string.format('%.0f', now + tonumber(ARGV[2])) .. ' ' .. ARGV[3], 'PX', ARGV[2])
return {}
`;

/** Returns the text; nothing if it is gone. */
const TAKE = CLOCK + `
local value = redis.call('MGET', KEYS[1])[1]
if not value then return {} end
redis.call('DEL', KEYS[1])
local expiry, text = string.match(value, '^(%d+) (.*)$')
if tonumber(expiry) <= now then return {} end
return { text }
`;

/**
 * One-use values in Redis. Their scripts have no command that those of rooms lack, so they need no
 * further right.
 */
export class RedisValues {
  readonly #calls: RoomCalls;
  readonly #shiftMs: () => number;

  constructor(calls: RoomCalls, shiftMs: () => number) {
    this.#calls = calls;
    this.#shiftMs = shiftMs;
  }

  /** See `Backplane.put`. */
  async put(address: ValueAddress, text: string, ttlMs: number): Promise<void> {
    await this.#run(PUT, address, [`${Math.ceil(ttlMs)}`, text]);
  }

  /** See `Backplane.take`. */
  async take(address: ValueAddress): Promise<string | undefined> {
    return textsOf(await this.#run(TAKE, address, []))[0];
  }

  async #run(script: string, { key, slot }: ValueAddress, args: readonly string[]): Promise<unknown> {
    return await this.#calls.run({ slot }, async (link, isAsking) => {
      const asking = isAsking ? link.command(["ASKING"]) : undefined;
      asking?.catch(() => {/* the script rejects too */});
      return await link.command(["EVAL", script, "1", key, `${Math.round(this.#shiftMs())}`, ...args]);
    });
  }
}
