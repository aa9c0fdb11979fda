import { ROOM_STATE } from "./room_state.ts";

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
