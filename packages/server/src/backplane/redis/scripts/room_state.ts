/**
 * Beginning of every script. Redis runs each script in one atomic step.
 *
 * KEYS, all of one room:
 * - 1: hash with `epoch`, `origin`, `run`, `head`, `changes`, `losses`, and the fields of CONFIRM.
 * - 2: list of messages.
 * - 3: hash of presence entries.
 * - 4: sorted set of lost connections, by user and order of loss.
 * - 5: sorted set of lost connections, by the end of their disconnect grace period.
 * - 6: sorted set of isolates, by the end of their lease.
 * - 7: hash from a resumed connection to the connection that took it over.
 * - 8 and more: the publish id of each draft.
 *
 * ARGV:
 * - 1: milliseconds that a test adds to the clock.
 * - 2: the server run id.
 * - 3: an unused epoch.
 * - 4: TTL of an unused room, in milliseconds.
 * - 5, 6 and 7: maximum number of messages, their maximum age, and the dedupe window.
 * - 8 and 9: disconnect grace period and lease.
 * - 10: the isolate.
 * - 11 and more: one record per draft, or the operation and then its arguments.
 *
 * The field `run` holds the server run id of the room's last write. Under another run id Redis was
 * restarted or failed over, so acknowledged messages may be lost. No script but CONFIRM touches
 * such a room until the isolates have confirmed its history.
 *
 * @module
 */

/** Lua that reads the clock and the state of the room. */
export const ROOM_STATE = `
local PART, FIELD = '\\30', '\\31'
local roomTtl, maxMessages, maxAge, dedupe = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[1])
local function integer(number) return string.format('%.0f', number) end

-- Fields of KEYS[1]: isolates that may have broadcast the room's contents, with their expiry.
local holder, holderTtl = 'h:' .. ARGV[10], math.max(60000, 4 * tonumber(ARGV[9]))
local room = redis.call('HMGET', KEYS[1], 'epoch', 'run', 'head', 'changes', 'origin', holder)
local epoch, head, changes, origin = room[1], tonumber(room[3] or 0), tonumber(room[4] or 0), room[5]
if not epoch then
  epoch, origin, head, changes = ARGV[3], ARGV[3], 0, 0
  redis.call('DEL', KEYS[2])
  redis.call('HSET', KEYS[1], 'epoch', epoch, 'origin', origin, 'run', ARGV[2])
  redis.call('PEXPIRE', KEYS[1], math.min(roomTtl, 3600000))
  room[2] = ARGV[2]
end

local function eachField(visit)
  local all = redis.call('HGETALL', KEYS[1])
  for i = 1, #all, 2 do visit(string.sub(all[i], 1, 2), all[i], all[i + 1]) end
end

local function registerHolder()
  if tonumber(room[6] or 0) - now >= holderTtl * 2 / 3 then return end
  eachField(function(kind, field, untilMs)
    if kind == 'h:' and tonumber(untilMs) <= now then redis.call('HDEL', KEYS[1], field) end
  end)
  redis.call('HSET', KEYS[1], holder, integer(now + holderTtl))
end
`;

/** Lua that refuses an unconfirmed room, and defines `extendTtl` and `trim`. */
export const PRELUDE = ROOM_STATE + `
if room[2] ~= ARGV[2] then return { err = 'UNCONFIRMED Redis restarted; the history of the room is not confirmed.' } end
registerHolder()

-- Rooms without messages expire within an hour: queries of unused names must not fill the memory.
local function extendTtl()
  local wanted = head > 0 and roomTtl or math.min(roomTtl, 3600000)
  if redis.call('PTTL', KEYS[1]) < wanted / 2 then
    redis.call('PEXPIRE', KEYS[1], wanted)
    for i = 3, 7 do redis.call('PEXPIRE', KEYS[i], wanted) end
  end
end

-- Removes messages beyond the maximum number or age. Returns the first retained offset.
local function trim()
  local length = redis.call('LLEN', KEYS[2])
  if length > maxMessages then redis.call('LTRIM', KEYS[2], length - maxMessages, -1) end
  while true do
    local oldest = redis.call('LINDEX', KEYS[2], 0)
    if not oldest then return head + 1 end
    local offset, at = string.match(oldest, '^(%d+),(%d+);')
    if at + maxAge > now then return tonumber(offset) end
    redis.call('LPOP', KEYS[2])
  end
end
`;
