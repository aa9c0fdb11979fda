/**
 * What is done in the server, each call in one step.
 *
 * KEYS, all of one room: 1 hash (epoch, origin, run, head, changes, losses; and see VOUCH), 2 list of messages, 3 hash of who is present,
 * 4 sorted set of lost connections by user and order of loss, 5 the same by the time at which they go, 6 sorted set of isolates
 * by the end of their lease, 7 hash of which connection a resumed one went on as, 8 and more: one a draft, its publish id.
 *
 * ARGV: 1 milliseconds that a test adds to the clock, 2 the server's run, 3 an epoch nobody has used, 4 how long an unused room
 * is kept, 5 messages that are kept, 6 their age, 7 dedupe window, 8 grace time, 9 lease, 10 the isolate; then one a draft, its
 * record, or 11 what to do, 12 and more: what it is done with.
 *
 * `run` names the server's process. Where a room was last written under another one, the server was restarted, or another one
 * took over, and messages that were acknowledged may be gone: nothing is done with it until that is decided.
 *
 * @module
 */

/** Every script begins with it: the clock, and what the room is. */
export const ROOM_STATE = `
local PART, FIELD = '\\30', '\\31'
local keep, maxMessages, maxAge, dedupe = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[1])
local function whole(number) return string.format('%.0f', number) end

-- Fields of KEYS[1]: isolates that may have told somebody what is in the room, by the time at which that is over.
local holder, listing = 'h:' .. ARGV[10], math.max(60000, 4 * tonumber(ARGV[9]))
local room = redis.call('HMGET', KEYS[1], 'epoch', 'run', 'head', 'changes', 'origin', holder)
local epoch, head, changes, origin = room[1], tonumber(room[3] or 0), tonumber(room[4] or 0), room[5]
if not epoch then
  epoch, origin, head, changes = ARGV[3], ARGV[3], 0, 0
  redis.call('DEL', KEYS[2])
  redis.call('HSET', KEYS[1], 'epoch', epoch, 'origin', origin, 'run', ARGV[2])
  redis.call('PEXPIRE', KEYS[1], math.min(keep, 3600000))
  room[2] = ARGV[2]
end

local function fields(visit)
  local all = redis.call('HGETALL', KEYS[1])
  for i = 1, #all, 2 do visit(string.sub(all[i], 1, 2), all[i], all[i + 1]) end
end

local function hold()
  if tonumber(room[6] or 0) - now >= listing * 2 / 3 then return end
  fields(function(kind, field, untilMs)
    if kind == 'h:' and tonumber(untilMs) <= now then redis.call('HDEL', KEYS[1], field) end
  end)
  redis.call('HSET', KEYS[1], holder, whole(now + listing))
end
`;

/** Refuses a room that is in doubt; what lets go of old messages and of rooms that nobody uses. */
export const PRELUDE = ROOM_STATE + `
if room[2] ~= ARGV[2] then return { err = 'DOUBT Nobody knows yet whether messages were lost.' } end
hold()

-- A room in which nothing was said yet is soon forgotten: to ask for it must not fill the memory.
local function prolong()
  local wanted = head > 0 and keep or math.min(keep, 3600000)
  if redis.call('PTTL', KEYS[1]) < wanted / 2 then
    redis.call('PEXPIRE', KEYS[1], wanted)
    for i = 3, 7 do redis.call('PEXPIRE', KEYS[i], wanted) end
  end
end

-- Lets messages go that are too many or too old. Returns the first offset that is kept.
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
