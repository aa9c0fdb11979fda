import { PRELUDE } from "./room_state.ts";

/**
 * Stores drafts and publishes the new ones. Returns epoch, head, and one offset per draft; the
 * offset of a duplicate is negative.
 */
export const PUBLISH = PRELUDE + `
local count = #KEYS - 7
local known = redis.call('MGET', unpack(KEYS, 8))
local first, at = head + 1, integer(now)
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
    messages[#messages + 1] = integer(head) .. ',' .. at .. ';' .. ARGV[10 + i]
    if dedupe > 0 then redis.call('SET', key, origin .. ' ' .. integer(head) .. ' ' .. at, 'PX', dedupe) end
  end
end
if #records > 0 then
  redis.call('HSET', KEYS[1], 'head', integer(head))
  redis.call('RPUSH', KEYS[2], unpack(messages))
  redis.call('PEXPIRE', KEYS[2], math.max(maxAge, 1))
  trim()
  local parts = { 'm', epoch, integer(first), at, table.concat(records, PART) }
  redis.call('SPUBLISH', KEYS[1], table.concat(parts, PART))
end
extendTtl()
return { epoch, head, stored }
`;
