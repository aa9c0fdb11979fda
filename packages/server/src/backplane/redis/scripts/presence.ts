/** What is done to the entries of a room: the part of the room's script that changes them and tells of it. */
export const PRESENCE = `
local grace, lease, isolate, doing = tonumber(ARGV[8]), tonumber(ARGV[9]), ARGV[10], ARGV[11]
local told, touched, soonest = 0, false, nil

-- An entry: 1 user, 2 state, 3 isolate, 4 when it goes (0: not lost), 5 what a resume named, 6 its member in KEYS[4].
local function load(connection)
  local packed = redis.call('HGET', KEYS[3], connection)
  return packed and cmsgpack.unpack(packed) or nil
end

-- The field MARK is no connection: those cannot hold FIELD. Its value is another one when KEYS[3] was lost.
local MARK = FIELD
local function save(connection, entry)
  touched = true
  redis.call('HSETNX', KEYS[3], MARK, ARGV[3])
  redis.call('HSET', KEYS[3], connection, cmsgpack.pack(entry))
end

local function tell(kind, connection, entry, previous)
  told = told + 1
  local change = table.concat({ kind, entry[1], connection, previous or '', entry[2] }, FIELD)
  local parts = { 'p', epoch, whole(changes + told), change }
  redis.call('SPUBLISH', KEYS[1], table.concat(parts, PART))
end

local function recover(connection, entry)
  if entry[4] == 0 then return end
  redis.call('ZREM', KEYS[4], entry[6])
  redis.call('ZREM', KEYS[5], connection)
  entry[4], entry[6] = 0, ''
end

local function lose(connection, entry, untilMs)
  if entry[4] ~= 0 then return end
  local order = string.format('%016d', redis.call('HINCRBY', KEYS[1], 'losses', 1))
  entry[4], entry[6] = untilMs, entry[1] .. FIELD .. order .. FIELD .. connection
  redis.call('ZADD', KEYS[4], 0, entry[6])
  redis.call('ZADD', KEYS[5], whole(untilMs), connection)
  save(connection, entry)
  if not soonest or untilMs < soonest then soonest = untilMs end
end

local function remove(connection, entry)
  recover(connection, entry)
  touched = true
  redis.call('HDEL', KEYS[3], connection)
  if entry[5] ~= '' and redis.call('HGET', KEYS[7], entry[5]) == connection then
    redis.call('HDEL', KEYS[7], entry[5])
  end
end

local function takeOver(previous, old, connection, entry)
  remove(previous, old)
  save(connection, entry)
  if entry[5] ~= '' then redis.call('HSET', KEYS[7], entry[5], connection) end
  tell('u', connection, entry, '=' .. previous)
end

-- The connection of a user that was lost first.
local function oldestLost(user)
  local found = redis.call('ZRANGEBYLEX', KEYS[4], '[' .. user .. FIELD, '(' .. user .. ' ', 'LIMIT', 0, 1)[1]
  return found and string.sub(found, #user + 19)
end

local function everybody(visit)
  local all = redis.call('HGETALL', KEYS[3])
  for i = 1, #all, 2 do
    if all[i] ~= MARK then visit(all[i], cmsgpack.unpack(all[i + 1])) end
  end
end

local function loseAllOf(gone, untilMs)
  everybody(function(connection, entry)
    if entry[3] == gone then lose(connection, entry, untilMs) end
  end)
  redis.call('ZREM', KEYS[6], gone)
end

local function renew()
  redis.call('ZADD', KEYS[6], whole(now + lease), isolate)
end

local function sweep()
  local ended = redis.call('ZRANGEBYSCORE', KEYS[6], '-inf', whole(now), 'WITHSCORES')
  for i = 1, #ended, 2 do loseAllOf(ended[i], tonumber(ended[i + 1]) + grace) end
  for _, connection in ipairs(redis.call('ZRANGEBYSCORE', KEYS[5], '-inf', whole(now))) do
    local entry = load(connection)
    if entry then
      remove(connection, entry)
      tell('l', connection, entry)
    else
      redis.call('ZREM', KEYS[5], connection)
    end
  end
end

local function listed()
  local list = {}
  everybody(function(connection, entry)
    list[#list + 1] = connection
    list[#list + 1] = entry[1]
    list[#list + 1] = entry[2]
    list[#list + 1] = entry[5]
  end)
  return list
end
`;
