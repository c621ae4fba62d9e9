"""What happens to the outbox in one step each: the Lua scripts of :mod:`adapters.store.outbox`."""

from __future__ import annotations

from adapters.store.rate_limits import BUCKETS

# A lane without tokens is not handed out; it is due again when it is time to take them in advance. Where many wait for
# one bucket, each is due when its turn comes.
CLAIM = (
    BUCKETS
    + """
local due, doubts, holders, life = unpack(KEYS)
local worker, prefix, lanes = ARGV[1], ARGV[2], cjson.decode(ARGV[7])
local now, hold_until, horizon = tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])
local function is_due(lane)
  local score = redis.call('ZSCORE', due, lane)
  return score and tonumber(score) <= now
end
local function head(stream)
  local held = redis.call('XPENDING', stream, 'senders', '-', '+', 1)
  if #held > 0 then
    local attempt = held[1][4] + 1
    local entry = redis.call('XCLAIM', stream, 'senders', worker, 0, held[1][1], 'RETRYCOUNT', attempt)[1]
    if entry then return entry, attempt end
    redis.call('XACK', stream, 'senders', held[1][1])
  end
  local fresh = redis.call('XREADGROUP', 'GROUP', 'senders', worker, 'COUNT', 1, 'STREAMS', stream, '>')
  if fresh then return fresh[1][2][1], 1 end
end
local out, queues = {}, {}
for _, each in ipairs(lanes) do
  if #out == tonumber(ARGV[6]) then break end
  local lane, buckets = each[1], each[2]
  local stream = prefix .. lane
  if is_due(lane) then
    if redis.call('XLEN', stream) == 0 then
      redis.call('DEL', stream)
      redis.call('ZREM', due, lane)
    else
      local wait, scarce = take(buckets, now, horizon)
      if scarce then
        local before = queues[scarce[1]] or 0
        queues[scarce[1]] = before + 1
        local turn = now + wait + before * 1e6 / scarce[2] - horizon / 2
        redis.call('ZADD', due, string.format('%.0f', math.ceil(turn)), lane)
      else
        local entry, attempt = head(stream)
        local id, unanswered = string.match(redis.call('HGET', doubts, lane) or '', '^(%S+) ?(%d*)$')
        local doubted = id == entry[1]
        if not doubted or unanswered == '' then unanswered = '0' end
        redis.call('ZADD', due, hold_until, lane)
        redis.call('HSET', doubts, lane, entry[1] .. ' ' .. unanswered)
        redis.call('HSET', holders, lane, worker)
        out[#out + 1] = {lane, entry[1], attempt, entry[2], doubted and 1 or 0, tonumber(unanswered),
                         string.format('%.0f', wait)}
      end
    end
  end
end
if #out > 0 then redis.call('SET', life, ARGV[9], 'PX', ARGV[8]) end
return out
"""
)

# Until its holder says otherwise, what was handed out may have been accepted.
_FREE = (
    BUCKETS
    + """
local due, stream, log, doubts, holders = unpack(KEYS)
local lane, id, attempt, key, destination, at, now, said = unpack(ARGV)
local function free()
  redis.call('HDEL', doubts, lane)
  redis.call('HDEL', holders, lane)
  if redis.call('XLEN', stream) == 0 then
    redis.call('DEL', stream)
    redis.call('ZREM', due, lane)
  else
    redis.call('ZADD', due, now, lane)
  end
end
local function write(outcome)
  redis.call('XADD', log, '*', 'key', key, 'destination', destination, 'at', at,
             'outcome', outcome, 'detail', said, 'attempt', attempt)
end
local function holds()
  local held = redis.call('EXISTS', stream) == 1 and redis.call('XPENDING', stream, 'senders', id, id, 1) or {}
  return #held > 0 and held[1][4] == tonumber(attempt)
end
local function leave()
  redis.call('XACK', stream, 'senders', id)
  redis.call('XDEL', stream, id)
end
"""
)

ACKNOWLEDGE = (
    _FREE
    + """
local notices = KEYS[6]
for _, each in ipairs(cjson.decode(ARGV[9])) do block(each[1], each[2]) end
if redis.call('EXISTS', stream) == 1 then redis.call('XACK', stream, 'senders', id) end
if redis.call('XDEL', stream, id) == 0 then
  write('sent_again')
  return 0
end
redis.call('HSET', notices, lane .. ' ' .. key, said)
write('sent')
free()
return 1
"""
)

POSTPONE = (
    _FREE
    + """
if not holds() then return 0 end
redis.call('ZADD', due, now, lane)
redis.call('HDEL', holders, lane)
if ARGV[9] == '' then redis.call('HDEL', doubts, lane) else redis.call('HSET', doubts, lane, id .. ' ' .. ARGV[9]) end
write('postponed')
return 1
"""
)

MOVE = (
    _FREE
    + """
local notices, sequence, bell = KEYS[6], KEYS[7], KEYS[8]
local new_lane, new_stream, payload, created = ARGV[9], ARGV[10], ARGV[11], ARGV[12]
if not holds() then return 0 end
leave()
write('moved')
free()
if redis.call('HSETNX', notices, new_lane .. ' ' .. key, '') == 0 then return 1 end
redis.call('XADD', new_stream, redis.call('INCR', sequence) .. '-0', 'key', key, 'payload', payload,
           'created', created)
if not redis.call('ZSCORE', due, new_lane) then
  redis.call('XGROUP', 'CREATE', new_stream, 'senders', '0')
  redis.call('ZADD', due, now, new_lane)
end
redis.call('XADD', bell, 'MAXLEN', '1', '*', 'lanes', new_lane)
return 1
"""
)

BURY = (
    _FREE
    + """
local dead, payload, created = KEYS[6], ARGV[9], ARGV[10]
if not holds() then return 0 end
leave()
redis.call('XADD', dead, '*', 'key', key, 'destination', destination, 'payload', payload, 'created', created,
           'why', said, 'at', at, 'attempts', attempt)
write('buried')
free()
return 1
"""
)

DROP = (
    _FREE
    + """
if not holds() then return 0 end
leave()
write('dropped')
free()
return 1
"""
)

# A worker lives as long as its lease does, or until it is known to be dead.
TAKE_OVER = """
local due, holders = unpack(KEYS)
local now, lease_prefix, dead = ARGV[1], ARGV[2], {}
for _, worker in ipairs(cjson.decode(ARGV[3])) do dead[worker] = true end
local taken, held = 0, redis.call('HGETALL', holders)
for i = 1, #held, 2 do
  local lane, worker = held[i], held[i + 1]
  if dead[worker] or redis.call('EXISTS', lease_prefix .. worker) == 0 then
    redis.call('HDEL', holders, lane)
    if redis.call('ZSCORE', due, lane) then
      redis.call('ZADD', due, now, lane)
      taken = taken + 1
    end
  end
end
return taken
"""

WAITING = """
local out = {}
for _, lane in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  out[#out + 1] = lane
  out[#out + 1] = redis.call('XLEN', ARGV[1] .. lane)
end
return out
"""

RETRY = """
local dead, due, sequence, log, bell = unpack(KEYS)
local prefix, id, at, now, lane = unpack(ARGV)
local found = redis.call('XRANGE', dead, id, id)
if #found == 0 then return 0 end
local f = {}
for i = 1, #found[1][2], 2 do f[found[1][2][i]] = found[1][2][i + 1] end
local stream = prefix .. lane
redis.call('XADD', stream, redis.call('INCR', sequence) .. '-0', 'key', f.key, 'payload', f.payload,
           'created', f.created)
if not redis.call('ZSCORE', due, lane) then
  redis.call('XGROUP', 'CREATE', stream, 'senders', '0')
  redis.call('ZADD', due, now, lane)
end
redis.call('XDEL', dead, id)
redis.call('XADD', log, '*', 'key', f.key, 'destination', f.destination, 'at', at, 'outcome', 'retried',
           'detail', f.why, 'attempt', '0')
redis.call('XADD', bell, 'MAXLEN', '1', '*', 'lanes', lane)
return 1
"""

# Idempotency ends with the log line of the delivery: a notice that waits or lies dead is remembered, however old.
TRIM = """
local log, notices, rows, last = KEYS[1], KEYS[2], cjson.decode(ARGV[1]), ARGV[2]
for _, notice in ipairs(rows) do redis.call('HDEL', notices, notice) end
return redis.call('XTRIM', log, 'MINID', last)
"""

DISCARD = """
local dead, log = unpack(KEYS)
local id, at, why = unpack(ARGV)
local found = redis.call('XRANGE', dead, id, id)
if #found == 0 then return 0 end
local f = {}
for i = 1, #found[1][2], 2 do f[found[1][2][i]] = found[1][2][i + 1] end
redis.call('XDEL', dead, id)
redis.call('XADD', log, '*', 'key', f.key, 'destination', f.destination, 'at', at, 'outcome', 'dropped',
           'detail', why, 'attempt', '0')
return 1
"""
