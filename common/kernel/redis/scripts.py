"""The kernel's Lua scripts: each is one atomic step within one shard. Compatible with Redis 6.2 to 8 and Valkey."""

from common.kernel.redis.script import Script

COMMIT = Script("""
-- KEYS doc due fence outbox changed record [seen]
-- ARGV expected_version new_version schema document customer  digest seen_ttl_s  claimed_clock fence
--      clocks_set (score name)*  clocks_removed (name)*  ledger (value)*
local version = redis.call('HGET', KEYS[1], 'v') or '0'
if version == ARGV[2] then return 'done' end   -- this very commit, repeated after a lost answer
if redis.call('HEXISTS', KEYS[6], 'born') == 0 then return 'unborn' end
if KEYS[7] then
  local digest = redis.call('GET', KEYS[7])
  if digest then return digest == ARGV[6] and 'seen' or 'reused' end
end
if ARGV[8] ~= '' and redis.call('HGET', KEYS[3], ARGV[8]) ~= ARGV[9] then return 'fenced' end
if version ~= ARGV[1] then return 'moved' end
redis.call('HSET', KEYS[1], 'v', ARGV[2], 's', ARGV[3], 'd', ARGV[4])
redis.call('ZADD', KEYS[5], ARGV[2], ARGV[5])
if KEYS[7] then redis.call('SET', KEYS[7], ARGV[6], 'EX', ARGV[7]) end
local at = 10
for _ = 1, ARGV[at] do
  redis.call('ZADD', KEYS[2], ARGV[at + 1], ARGV[at + 2])
  at = at + 2
end
at = at + 1
for _ = 1, ARGV[at] do
  redis.call('ZREM', KEYS[2], ARGV[at + 1])
  redis.call('HDEL', KEYS[3], ARGV[at + 1])
  at = at + 1
end
at = at + 1
for _ = 1, ARGV[at] do
  redis.call('XADD', KEYS[4], '*', ARGV[5], ARGV[at + 1])
  at = at + 1
end
return 'done'
""")

CLAIM = Script("""
-- KEYS due fence fences   ARGV now_ms lease_until_ms limit
local claimed = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'WITHSCORES', 'LIMIT', 0, ARGV[3])
local answer = {}
for i = 1, #claimed, 2 do
  local fence = redis.call('INCR', KEYS[3])
  redis.call('ZADD', KEYS[1], ARGV[2], claimed[i])
  redis.call('HSET', KEYS[2], claimed[i], fence)
  answer[#answer + 1] = claimed[i]
  answer[#answer + 1] = claimed[i + 1]
  answer[#answer + 1] = fence
end
local next_due = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return {next_due[2] or '', answer}
""")

DROP = Script("""
-- KEYS due fence   ARGV clock fence
if redis.call('HGET', KEYS[2], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HDEL', KEYS[2], ARGV[1])
return redis.call('ZREM', KEYS[1], ARGV[1])
""")

COPIED = Script("""
-- KEYS changed   ARGV (customer version)*
for i = 1, #ARGV, 2 do
  local version = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if version and tonumber(version) <= tonumber(ARGV[i + 1]) then redis.call('ZREM', KEYS[1], ARGV[i]) end
end
return 1
""")

RESTORE = Script("""
-- KEYS doc due   ARGV version schema document (score name)*
local version = redis.call('HGET', KEYS[1], 'v') or '0'
if tonumber(version) >= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'v', ARGV[1], 's', ARGV[2], 'd', ARGV[3])
for i = 4, #ARGV, 2 do redis.call('ZADD', KEYS[2], ARGV[i], ARGV[i + 1]) end
return 1
""")

OPEN = Script("""
-- KEYS record   ARGV now_ms
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local known = redis.call('HGET', KEYS[1], 'run')
if known and known ~= run then
  -- another run of the server: its last writes may be lost, so what was possible until now is in doubt
  redis.call('HSET', KEYS[1], 'run', run, 'doubt', ARGV[1], 'torn', '1')
end
return redis.call('HGETALL', KEYS[1])
""")

SETTLE = Script("""
-- KEYS record   ARGV doubt_ms (or empty)
if redis.call('HEXISTS', KEYS[1], 'born') == 1 then return 0 end  -- somebody was faster and may know of doubts since
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
redis.call('HSET', KEYS[1], 'run', run, 'born', '1')
if ARGV[1] ~= '' then redis.call('HSET', KEYS[1], 'doubt', ARGV[1], 'torn', '1') end
return 1
""")

WHOLE = Script("""
-- KEYS record   ARGV doubt_ms
if redis.call('HGET', KEYS[1], 'doubt') ~= ARGV[1] then return 0 end
return redis.call('HDEL', KEYS[1], 'torn')
""")
