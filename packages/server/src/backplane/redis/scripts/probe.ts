/**
 * Tries every command of the other scripts, each on a key of its own type. KEYS: 1 a hash, 2 a
 * list, 3 a sorted set, 4 a text, 5 a channel. Removes the keys.
 */
export const PROBE = `
redis.call('TIME')
redis.call('HSET', KEYS[1], 'a', 1)
redis.call('PEXPIRE', KEYS[1], 60000)
redis.call('HSETNX', KEYS[1], 'b', 1)
redis.call('HINCRBY', KEYS[1], 'a', 1)
redis.call('HGET', KEYS[1], 'a')
redis.call('HMGET', KEYS[1], 'a', 'b')
redis.call('HGETALL', KEYS[1])
redis.call('HEXISTS', KEYS[1], 'a')
redis.call('HLEN', KEYS[1])
redis.call('HDEL', KEYS[1], 'b')
redis.call('PTTL', KEYS[1])
redis.call('EXISTS', KEYS[1])
redis.call('RPUSH', KEYS[2], 'a', 'b')
redis.call('LLEN', KEYS[2])
redis.call('LINDEX', KEYS[2], 0)
redis.call('LRANGE', KEYS[2], 0, 0)
redis.call('LTRIM', KEYS[2], 0, 0)
redis.call('LPOP', KEYS[2])
redis.call('ZADD', KEYS[3], 0, 'a')
redis.call('ZSCORE', KEYS[3], 'a')
redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')
redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', '0')
redis.call('ZRANGEBYLEX', KEYS[3], '[a', '(b', 'LIMIT', 0, 1)
redis.call('ZREM', KEYS[3], 'a')
redis.call('SET', KEYS[4], 'a', 'PX', 60000)
redis.call('MGET', KEYS[4])
redis.call('SPUBLISH', KEYS[5], '')
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4])
return 1
`;
