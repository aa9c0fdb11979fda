import { ROOM_STATE } from "./room_state.ts";

/**
 * Confirms a room's history after a server restart or failover: an isolate sends its known state.
 * ARGV: 11 to 13 epoch, head and server run id of the known state, empty if the isolate has none;
 * 14 maximum wait for other isolates, in milliseconds. Returns epoch, head, and 1 once the history
 * is decided.
 *
 * A restarted server, or a promoted replica, holds the room as it was at some earlier moment. The
 * room lists each isolate that may have broadcast its contents (`h:`). Each of these has to confirm
 * (`v:`). The epoch stays if all isolates confirm and none of them knew a later head. The epoch
 * changes if one of these holds:
 * - An isolate knows a later head or another history.
 * - An isolate was listed only in the lost part.
 * - An isolate does not confirm in time.
 * - The room lists no isolate.
 *
 * An isolate that confirms after the decision is compared with the head at the time of the decision
 * (`since`).
 */
export const CONFIRM = ROOM_STATE + `
local knownEpoch, knownHead, knownRun = ARGV[11], tonumber(ARGV[12]), ARGV[13]
local isKnown = knownRun ~= ''

local function decide(previousRun)
  -- The jump of 'changes' makes isolates read presence again. The new generation in KEYS[3] makes
  -- them enter their lost entries again.
  redis.call('HSET', KEYS[1], 'epoch', epoch, 'run', ARGV[2], 'prior', previousRun, 'since', integer(head),
    'changes', integer(changes + 1000000))
  if redis.call('EXISTS', KEYS[3]) == 1 then redis.call('HSET', KEYS[3], FIELD, ARGV[3]) end
  redis.call('HDEL', KEYS[1], 'doubt', 'until')
  eachField(function(kind, field)
    if kind == 'v:' or (kind == 'h:' and previousRun == '') then redis.call('HDEL', KEYS[1], field) end
  end)
  redis.call('HSET', KEYS[1], holder, integer(now + holderTtl))
  return { epoch, head, 1 }
end

local function startNewEpoch()
  epoch = ARGV[3]
  return decide('')
end

if room[2] == ARGV[2] then
  local decision = redis.call('HMGET', KEYS[1], 'prior', 'since')
  local isOlder = isKnown and knownRun ~= ARGV[2] and knownEpoch == epoch
  if isOlder and (knownRun ~= decision[1] or knownHead > tonumber(decision[2])) then return startNewEpoch() end
  registerHolder()
  return { epoch, head, 1 }
end

local verification = redis.call('HMGET', KEYS[1], 'doubt', 'until')
local untilMs = tonumber(verification[2])
if verification[1] ~= ARGV[2] then
  untilMs = now + tonumber(ARGV[14])
  redis.call('HSET', KEYS[1], 'doubt', ARGV[2], 'until', integer(untilMs))
  eachField(function(kind, field) if kind == 'v:' then redis.call('HDEL', KEYS[1], field) end end)
end
if isKnown then
  local matches = room[6] and knownEpoch == epoch and knownRun == room[2] and knownHead <= head
  if not matches then return startNewEpoch() end
  redis.call('HSET', KEYS[1], 'v:' .. ARGV[10], 1)
end
local holders, confirmed = {}, {}
eachField(function(kind, field)
  if kind == 'h:' then holders[#holders + 1] = string.sub(field, 3) end
  if kind == 'v:' then confirmed[string.sub(field, 3)] = true end
end)
local allConfirmed = #holders > 0
for _, one in ipairs(holders) do allConfirmed = allConfirmed and confirmed[one] end
if allConfirmed then return decide(room[2]) end
if #holders == 0 or now >= untilMs then return startNewEpoch() end
return { epoch, head, 0 }
`;
