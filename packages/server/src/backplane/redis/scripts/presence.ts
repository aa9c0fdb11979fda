/** Lua of the room script that changes presence entries and broadcasts the changes. */
export const PRESENCE = `
local grace, lease, isolate, operation = tonumber(ARGV[8]), tonumber(ARGV[9]), ARGV[10], ARGV[11]
local broadcasts, isModified, nextExpiry = 0, false, nil

-- Fields of an entry: 1 user, 2 state, 3 isolate, 4 end of its grace period (0: connected),
-- 5 connection that its resume named, 6 its member in KEYS[4].
local function load(connection)
  local packed = redis.call('HGET', KEYS[3], connection)
  return packed and cmsgpack.unpack(packed) or nil
end

-- Field of KEYS[3] that changes when the presence list was lost. No connection has this name, since
-- connections are escaped and cannot contain FIELD.
local GENERATION = FIELD
local function save(connection, entry)
  isModified = true
  redis.call('HSETNX', KEYS[3], GENERATION, ARGV[3])
  redis.call('HSET', KEYS[3], connection, cmsgpack.pack(entry))
end

local function broadcast(kind, connection, entry, previous)
  broadcasts = broadcasts + 1
  local change = table.concat({ kind, entry[1], connection, previous or '', entry[2] }, FIELD)
  local parts = { 'p', epoch, integer(changes + broadcasts), change }
  redis.call('SPUBLISH', KEYS[1], table.concat(parts, PART))
end

local function markConnected(connection, entry)
  if entry[4] == 0 then return end
  redis.call('ZREM', KEYS[4], entry[6])
  redis.call('ZREM', KEYS[5], connection)
  entry[4], entry[6] = 0, ''
end

local function markLost(connection, entry, untilMs)
  if entry[4] ~= 0 then return end
  local order = string.format('%016d', redis.call('HINCRBY', KEYS[1], 'losses', 1))
  entry[4], entry[6] = untilMs, entry[1] .. FIELD .. order .. FIELD .. connection
  redis.call('ZADD', KEYS[4], 0, entry[6])
  redis.call('ZADD', KEYS[5], integer(untilMs), connection)
  save(connection, entry)
  if not nextExpiry or untilMs < nextExpiry then nextExpiry = untilMs end
end

local function remove(connection, entry)
  markConnected(connection, entry)
  isModified = true
  redis.call('HDEL', KEYS[3], connection)
  if entry[5] ~= '' and redis.call('HGET', KEYS[7], entry[5]) == connection then
    redis.call('HDEL', KEYS[7], entry[5])
  end
end

local function takeOver(previous, old, connection, entry)
  remove(previous, old)
  save(connection, entry)
  if entry[5] ~= '' then redis.call('HSET', KEYS[7], entry[5], connection) end
  broadcast('u', connection, entry, '=' .. previous)
end

-- Returns the user's connection that was lost first.
local function oldestLost(user)
  local found = redis.call('ZRANGEBYLEX', KEYS[4], '[' .. user .. FIELD, '(' .. user .. ' ', 'LIMIT', 0, 1)[1]
  return found and string.sub(found, #user + 19)
end

local function eachEntry(visit)
  local all = redis.call('HGETALL', KEYS[3])
  for i = 1, #all, 2 do
    if all[i] ~= GENERATION then visit(all[i], cmsgpack.unpack(all[i + 1])) end
  end
end

local function markAllLost(gone, untilMs)
  eachEntry(function(connection, entry)
    if entry[3] == gone then markLost(connection, entry, untilMs) end
  end)
  redis.call('ZREM', KEYS[6], gone)
end

local function renewLease()
  redis.call('ZADD', KEYS[6], integer(now + lease), isolate)
end

local function sweep()
  local ended = redis.call('ZRANGEBYSCORE', KEYS[6], '-inf', integer(now), 'WITHSCORES')
  for i = 1, #ended, 2 do markAllLost(ended[i], tonumber(ended[i + 1]) + grace) end
  for _, connection in ipairs(redis.call('ZRANGEBYSCORE', KEYS[5], '-inf', integer(now))) do
    local entry = load(connection)
    if entry then
      remove(connection, entry)
      broadcast('l', connection, entry)
    else
      redis.call('ZREM', KEYS[5], connection)
    end
  end
end

local function listEntries()
  local list = {}
  eachEntry(function(connection, entry)
    list[#list + 1] = connection
    list[#list + 1] = entry[1]
    list[#list + 1] = entry[2]
    list[#list + 1] = entry[5]
  end)
  return list
end
`;
