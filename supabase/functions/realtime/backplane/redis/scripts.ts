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
 */
const ROOM_STATE = `
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

const PRELUDE = ROOM_STATE + `
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

/** Stores drafts and publishes those that are new. Returns epoch, head, and an offset a draft, negative for what was there before. */
export const PUBLISH = PRELUDE + `
local count = #KEYS - 7
local known = redis.call('MGET', unpack(KEYS, 8))
local first, at = head + 1, whole(now)
local stored, records, messages, seen = {}, {}, {}, {}
for i = 1, count do
  local key = KEYS[7 + i]
  local offset = seen[key]
  if not offset and known[i] then
    local from, place, since = string.match(known[i], '^(%S+) (%d+) (%d+)$')
    if from == origin and since + dedupe > now then offset = tonumber(place) end
  end
  if offset then
    stored[i] = -offset
  else
    head = head + 1
    seen[key], stored[i] = head, head
    records[#records + 1] = ARGV[10 + i]
    messages[#messages + 1] = whole(head) .. ',' .. at .. ';' .. ARGV[10 + i]
    if dedupe > 0 then redis.call('SET', key, origin .. ' ' .. whole(head) .. ' ' .. at, 'PX', dedupe) end
  end
end
if #records > 0 then
  redis.call('HSET', KEYS[1], 'head', whole(head))
  redis.call('RPUSH', KEYS[2], unpack(messages))
  redis.call('PEXPIRE', KEYS[2], math.max(maxAge, 1))
  trim()
  local parts = { 'm', epoch, whole(first), at, table.concat(records, PART) }
  redis.call('SPUBLISH', KEYS[1], table.concat(parts, PART))
end
prolong()
return { epoch, head, stored }
`;

/** Everything else: presence, and reading. */
export const ROOM = PRELUDE + `
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

-- Messages from one offset to another; fewer, from where it is begun, when they are large.
local function read(first, from, to, backwards)
  local chunks, bytes = {}, 0
  while from <= to and bytes < 4000000 do
    local one, last = from, math.min(to, from + 49)
    if backwards then one, last = math.max(from, to - 49), to end
    local chunk = redis.call('LRANGE', KEYS[2], one - first, last - first)
    for _, text in ipairs(chunk) do bytes = bytes + #text end
    chunks[#chunks + 1] = chunk
    if backwards then to = one - 1 else from = last + 1 end
  end
  local texts = {}
  for i = 1, #chunks do
    for _, text in ipairs(chunks[backwards and #chunks + 1 - i or i]) do texts[#texts + 1] = text end
  end
  return texts
end

local result = false
if doing == 'page' then
  local first, limit = trim(), tonumber(ARGV[14])
  local from, to
  if ARGV[12] == 'after' then
    from = math.max(ARGV[13] + 1, first)
    to = math.min(from - 1 + limit, head)
  else
    to = math.min(ARGV[13] - 1, head)
    from = math.max(to - limit + 1, first)
  end
  prolong()
  return { epoch, head, first, read(first, from, to, ARGV[12] == 'before') }
end

-- Before anything is swept: an isolate that is late, but not known to be, is alive.
local wasLost = false
if doing == 'renew' and #ARGV > 12 then
  wasLost = redis.call('HGET', KEYS[3], MARK) ~= ARGV[12] or not redis.call('ZSCORE', KEYS[6], isolate)
  renew()
end
sweep()

if doing == 'enter' then
  local user, connection, state = ARGV[12], ARGV[13], ARGV[14]
  local entry = load(connection)
  renew()
  if entry then
    recover(connection, entry)
    entry[3] = isolate
    local same = entry[2] == state
    if not same then entry[1], entry[2] = user, state end
    save(connection, entry)
    if not same then tell('u', connection, entry) end
  else
    local previous = oldestLost(user)
    local old = previous and load(previous)
    entry = { user, state, isolate, 0, '', '' }
    if old then
      takeOver(previous, old, connection, entry)
    else
      save(connection, entry)
      tell('j', connection, entry)
    end
  end
elseif doing == 'resume' then
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
      renew()
      takeOver(previous, old, connection, { user, old[2], isolate, 0, named, '' })
      result = old[2]
    end
  end
elseif doing == 'leave' then
  local entry = load(ARGV[12])
  if entry then
    remove(ARGV[12], entry)
    tell('l', ARGV[12], entry)
  end
elseif doing == 'linger' then
  local entry = load(ARGV[12])
  if entry then lose(ARGV[12], entry, now + ARGV[13]) end
elseif doing == 'gone' then
  redis.call('HDEL', KEYS[1], holder)
elseif doing == 'end' then
  loseAllOf(isolate, now + grace)
elseif doing == 'present' then
  result = listed()
elseif doing == 'renew' then
  -- Those that are not there, or not as they should be: taken over, unless something was lost.
  result = { wasLost and 1 or 0 }
  for i = 13, #ARGV do
    local entry = load(ARGV[i])
    if not entry or (wasLost and entry[4] ~= 0) then result[#result + 1] = ARGV[i] end
  end
end

if told > 0 then
  changes = changes + told
  redis.call('HSET', KEYS[1], 'changes', whole(changes))
end
if touched then
  for i = 3, 7 do redis.call('PEXPIRE', KEYS[i], keep) end
end
prolong()
if soonest then redis.call('SPUBLISH', KEYS[1], 'd' .. PART .. whole(math.max(0, soonest - now))) end

local due = -1
for _, key in ipairs({ KEYS[5], KEYS[6] }) do
  local next = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2]
  if next and (due < 0 or next - now < due) then due = math.max(0, next - now) end
end
local count = math.max(0, redis.call('HLEN', KEYS[3]) - 1)
if doing ~= 'look' then
  return { epoch, head, changes, count, due, result, redis.call('HGET', KEYS[3], MARK) }
end

local first, present = trim(), false
local after = tonumber(ARGV[12])
-- Somebody was told more than there is: the end was lost, whatever the run says.
if after > head and ARGV[16] == epoch then
  epoch = ARGV[3]
  redis.call('HSET', KEYS[1], 'epoch', epoch)
end
if after < 0 or tonumber(ARGV[14]) ~= changes or tonumber(ARGV[15]) ~= count then present = listed() end
local messages = {}
if after >= 0 then
  local from = math.max(after + 1, first)
  messages = read(first, from, math.min(from - 1 + tonumber(ARGV[13]), head), false)
end
return { epoch, head, changes, count, due, present, first, messages }
`;

/**
 * An isolate says what it knows of a room whose server is another process than before. ARGV: 11 to 13 epoch, head and run that it
 * knows of, empty when it knows nothing; 14 how long the others are waited for. Returns epoch, head, and whether it is decided.
 *
 * A server that comes back, or takes over, has what was there at some earlier moment. Each isolate that may have told somebody
 * something is listed in the room (`h:`), so it is known who has to vouch (`v:`): when all have, each of them having known no more
 * than is there, the history is the same. When one knows more, knows another history, or was listed only in what was lost, or
 * does not come in time, or nobody is listed, the epoch changes. An isolate that comes after the decision compares with what was there then.
 */
export const VOUCH = ROOM_STATE + `
local knownEpoch, knownHead, knownRun = ARGV[11], tonumber(ARGV[12]), ARGV[13]
local knows = knownRun ~= ''

local function decide(prior)
  -- What was told of presence is read anew, and entered again where it is not there.
  redis.call('HSET', KEYS[1], 'epoch', epoch, 'run', ARGV[2], 'prior', prior, 'since', whole(head),
    'changes', whole(changes + 1000000))
  if redis.call('EXISTS', KEYS[3]) == 1 then redis.call('HSET', KEYS[3], FIELD, ARGV[3]) end
  redis.call('HDEL', KEYS[1], 'doubt', 'until')
  fields(function(kind, field)
    if kind == 'v:' or (kind == 'h:' and prior == '') then redis.call('HDEL', KEYS[1], field) end
  end)
  redis.call('HSET', KEYS[1], holder, whole(now + listing))
  return { epoch, head, 1 }
end

local function begin()
  epoch = ARGV[3]
  return decide('')
end

if room[2] == ARGV[2] then
  local decision = redis.call('HMGET', KEYS[1], 'prior', 'since')
  local isOlder = knows and knownRun ~= ARGV[2] and knownEpoch == epoch
  if isOlder and (knownRun ~= decision[1] or knownHead > tonumber(decision[2])) then return begin() end
  hold()
  return { epoch, head, 1 }
end

local doubt = redis.call('HMGET', KEYS[1], 'doubt', 'until')
local untilMs = tonumber(doubt[2])
if doubt[1] ~= ARGV[2] then
  untilMs = now + tonumber(ARGV[14])
  redis.call('HSET', KEYS[1], 'doubt', ARGV[2], 'until', whole(untilMs))
  fields(function(kind, field) if kind == 'v:' then redis.call('HDEL', KEYS[1], field) end end)
end
if knows then
  local isThere = room[6] and knownEpoch == epoch and knownRun == room[2] and knownHead <= head
  if not isThere then return begin() end
  redis.call('HSET', KEYS[1], 'v:' .. ARGV[10], 1)
end
local holders, vouched = {}, {}
fields(function(kind, field)
  if kind == 'h:' then holders[#holders + 1] = string.sub(field, 3) end
  if kind == 'v:' then vouched[string.sub(field, 3)] = true end
end)
local isSure = #holders > 0
for _, one in ipairs(holders) do isSure = isSure and vouched[one] end
if isSure then return decide(room[2]) end
if #holders == 0 or now >= untilMs then return begin() end
return { epoch, head, 0 }
`;
