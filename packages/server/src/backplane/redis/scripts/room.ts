import { PRESENCE } from "./presence.ts";
import { PRELUDE } from "./room_state.ts";

/** Lua that answers reads of a missing room: reading makes no key. Its epoch is an empty text. */
const MISSING = `
local isRead = ARGV[11] == 'page' or ARGV[11] == 'present' or ARGV[11] == 'release'
if isRead and redis.call('EXISTS', KEYS[1], KEYS[3]) == 0 then
  if ARGV[11] == 'page' then return { '', 0, 1, {} } end
  return { '', 0, 0, 0, -1, {}, false }
end
`;

/** Runs the operations on presence, and reads the room. */
export const ROOM = MISSING + PRELUDE + PRESENCE + `
-- Reads messages between two offsets, nearest to the position first, 8 at a time. Stops at 256 KB,
-- but not before the first message, since Redis serves no one else during a script.
local function read(first, from, to, backwards)
  local texts, bytes, isFull = {}, 0, false
  while from <= to and not isFull do
    local one, last = from, math.min(to, from + 7)
    if backwards then one, last = math.max(from, to - 7), to end
    local chunk = redis.call('LRANGE', KEYS[2], one - first, last - first)
    for i = 1, #chunk do
      local text = chunk[backwards and #chunk + 1 - i or i]
      bytes = bytes + #text
      if bytes > 262144 and #texts > 0 then
        isFull = true
        break
      end
      texts[#texts + 1] = text
    end
    if backwards then to = one - 1 else from = last + 1 end
  end
  for i = 1, backwards and math.floor(#texts / 2) or 0 do
    texts[i], texts[#texts + 1 - i] = texts[#texts + 1 - i], texts[i]
  end
  return texts
end

-- Offset of the first message since a time. The list's messages begin with offset and time.
local function firstSince(first, time)
  local low, high = first, head + 1
  while low < high do
    local middle = math.floor((low + high) / 2)
    local at = string.match(redis.call('LINDEX', KEYS[2], middle - first), '^%d+,(%d+);')
    if tonumber(at) >= time then high = middle else low = middle + 1 end
  end
  return low
end

local result = false
if operation == 'page' then
  local first, limit = trim(), tonumber(ARGV[14])
  local from, to
  if ARGV[12] == 'before' then
    to = math.min(ARGV[13] - 1, head)
    from = math.max(to - limit + 1, first)
  else
    from = ARGV[12] == 'since' and firstSince(first, tonumber(ARGV[13])) or math.max(ARGV[13] + 1, first)
    to = math.min(from - 1 + limit, head)
  end
  extendTtl()
  return { epoch, head, first, read(first, from, to, ARGV[12] == 'before') }
end

-- Renews before the sweep: an isolate whose lease has expired unnoticed counts as alive.
local wasLost = false
if operation == 'renew' and #ARGV > 12 then
  wasLost = redis.call('HGET', KEYS[3], GENERATION) ~= ARGV[12] or not redis.call('ZSCORE', KEYS[6], isolate)
  renewLease()
end
sweep()

if operation == 'enter' then
  local user, connection, state = ARGV[12], ARGV[13], ARGV[14]
  local entry = load(connection)
  renewLease()
  if entry then
    markConnected(connection, entry)
    entry[3] = isolate
    local same = entry[2] == state
    if not same then entry[1], entry[2] = user, state end
    save(connection, entry)
    if not same then broadcast('u', connection, entry) end
  else
    local previous = oldestLost(user)
    local old = previous and load(previous)
    entry = { user, state, isolate, 0, '', '' }
    if old then
      takeOver(previous, old, connection, entry)
    else
      save(connection, entry)
      broadcast('j', connection, entry)
    end
  end
elseif operation == 'resume' then
  local user, connection = ARGV[12], ARGV[13]
  if redis.call('HEXISTS', KEYS[3], connection) == 0 then
    local previous = ARGV[14]
    local named = ''
    if previous then
      named = previous
      if redis.call('HEXISTS', KEYS[3], previous) == 0 then previous = redis.call('HGET', KEYS[7], previous) end
    else
      previous = oldestLost(user)
    end
    local old = previous and load(previous)
    if old and old[1] == user then
      renewLease()
      takeOver(previous, old, connection, { user, old[2], isolate, 0, named, '' })
      result = old[2]
    end
  end
elseif operation == 'leave' then
  local entry = load(ARGV[12])
  if entry then
    remove(ARGV[12], entry)
    broadcast('l', ARGV[12], entry)
  end
elseif operation == 'linger' then
  local entry = load(ARGV[12])
  if entry then markLost(ARGV[12], entry, now + ARGV[13]) end
elseif operation == 'release' then
  redis.call('HDEL', KEYS[1], holder)
elseif operation == 'end' then
  markAllLost(isolate, now + grace)
elseif operation == 'present' then
  result = listEntries()
elseif operation == 'renew' then
  -- Returns connections without an entry: another connection took each of them over. After a loss
  -- of presence the list includes disconnected entries too, and the isolate enters all of them
  -- again.
  result = { wasLost and 1 or 0 }
  for i = 13, #ARGV do
    local entry = load(ARGV[i])
    if not entry or (wasLost and entry[4] ~= 0) then result[#result + 1] = ARGV[i] end
  end
end

if broadcasts > 0 then
  changes = changes + broadcasts
  redis.call('HSET', KEYS[1], 'changes', integer(changes))
end
if isModified then
  for i = 3, 7 do redis.call('PEXPIRE', KEYS[i], roomTtl) end
end
extendTtl()
if nextExpiry then redis.call('SPUBLISH', KEYS[1], 'd' .. PART .. integer(math.max(0, nextExpiry - now))) end

local due = -1
for _, key in ipairs({ KEYS[5], KEYS[6] }) do
  local next = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2]
  if next and (due < 0 or next - now < due) then due = math.max(0, next - now) end
end
local count = math.max(0, redis.call('HLEN', KEYS[3]) - 1)
if operation ~= 'refresh' then
  return { epoch, head, changes, count, due, result, redis.call('HGET', KEYS[3], GENERATION) }
end

local first, present = trim(), false
local after = tonumber(ARGV[12])
-- The isolate knows a later head of this epoch: messages were lost, even if the run id is the same.
if after > head and ARGV[16] == epoch then
  epoch = ARGV[3]
  redis.call('HSET', KEYS[1], 'epoch', epoch)
end
if after < 0 or tonumber(ARGV[14]) ~= changes or tonumber(ARGV[15]) ~= count then present = listEntries() end
local messages = {}
if after >= 0 then
  local from = math.max(after + 1, first)
  messages = read(first, from, math.min(from - 1 + tonumber(ARGV[13]), head), false)
end
return { epoch, head, changes, count, due, present, first, messages }
`;
