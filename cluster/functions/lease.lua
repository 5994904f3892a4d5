-- Leadership: a lease with a term. The term is the fencing token of everything a leader writes.

-- News for replicas that listen; only a hint, everything it says can also be read. Capped, like the log.
local SIGNALS_MAX = 1000

local function signal(prefix, kind, subject, detail)
    redis.call('XADD', prefix .. 'signals', 'MAXLEN', '~', SIGNALS_MAX, '*',
        'kind', kind, 'subject', subject, 'detail', detail or '')
end

local function read_term(prefix)
    return tonumber(redis.call('HGET', prefix .. 'meta', 'term') or '0') or 0
end

-- Holder ('' when nobody ever led or the last one resigned), term, and milliseconds until the lease runs out.
local function read_leader(prefix, clock)
    local stored = redis.call('HMGET', prefix .. 'leader', 'holder', 'term', 'deadline')
    local deadline = tonumber(stored[3] or '0') or 0
    return stored[1] or '', tonumber(stored[2] or '0') or 0, math.max(0, deadline - clock)
end

-- Whether a write of the term may take effect; every function for leaders asks this first. Term 0 is nobody's: such a
-- write is not a leader's and passes. A higher term than the stored one was lost by Redis and is taken over.
local function fence(prefix, term)
    term = tonumber(term)
    if term == 0 then return true end
    local current = read_term(prefix)
    if term > current then redis.call('HSET', prefix .. 'meta', 'term', text(term)) end
    return term >= current
end

--[[
  Take the leadership if it is free, renew it if it is mine, otherwise learn who has it.

  Why one function: between reading the holder and writing it another replica may win. The term is at least the time in
  milliseconds, so that it also rises above terms that Redis forgot. A holder whose term was overtaken (Redis was rolled
  back under it) gets a new one: renewing the old one would leave a leader whose every write is refused.

  A leadership lasts from when it was asked for: a campaign that arrives late, of a leader who was killed meanwhile, keeps
  the place from the others for no longer. One that is older than ttl, or does not know when it was sent, changes nothing.

  KEYS[1]  prefix
  ARGV[1]  holder  who asks: replica id and boot, so that a restarted replica is somebody else
  ARGV[2]  ttl     milliseconds
  ARGV[3]  sent    the time of the lease clock when this was sent, as the caller reckons it by its own clock from the last
                   answer; 'unknown': before the first. What is still to come counts as now: Redis was rolled back
  Returns  {'taken' | 'renewed', term, holder, milliseconds left, lease clock}
           {'held', term, holder, milliseconds left, lease clock}   by another one
           {'late', term, holder, milliseconds left, lease clock}   nothing was changed; ask again, by this clock
  Swift    ClusterState.campaign(as:for:sentAt:)
]]
local function lease_campaign(keys, args)
    local prefix, me, ttl, sent = keys[1], args[1], tonumber(args[2]), tonumber(args[3])
    local clock, current = lease_now(prefix), read_term(prefix)
    local holder, term, left = read_leader(prefix, clock)
    local granted = sent and math.min(sent, clock) + ttl - clock or 0
    if holder ~= '' and holder ~= me and left > 0 then
        return { 'held', text(term), holder, text(left), text(clock) }
    elseif granted <= 0 then
        return { 'late', text(term), holder, text(left), text(clock) }
    elseif holder == me and left > 0 and term >= current then
        granted = math.max(granted, left)
        redis.call('HSET', prefix .. 'leader', 'deadline', text(clock + granted))
        return { 'renewed', text(term), me, text(granted), text(clock) }
    end
    term = math.max(current + 1, term + 1, now_ms())
    redis.call('HSET', prefix .. 'meta', 'term', text(term))
    redis.call('HSET', prefix .. 'leader', 'holder', me, 'term', text(term), 'deadline', text(clock + granted),
        'taken_at', text(now_ms()))
    record_event(prefix, me, 'elected', 'leader', '0', 'term ' .. text(term))
    signal(prefix, 'elected', me, text(term))
    return { 'taken', text(term), me, text(granted), text(clock) }
end
publish('lease_campaign', lease_campaign, BOUNDED)

--[[
  Give the leadership back, so that the others need not wait for its lease to run out.

  KEYS[1]  prefix
  ARGV[1]  holder  who resigns; anybody but the holder changes nothing
  Returns  {'resigned', term}   {'absent', term}
  Swift    ClusterState.resign(as:)
]]
local function lease_resign(keys, args)
    local prefix = keys[1]
    local holder, term = read_leader(prefix, lease_now(prefix))
    if holder == '' or holder ~= args[1] then return { 'absent', text(term) } end
    redis.call('HSET', prefix .. 'leader', 'holder', '', 'deadline', '0')
    record_event(prefix, holder, 'resigned', 'leader', '0', 'term ' .. text(term))
    signal(prefix, 'resigned', holder, text(term))
    return { 'resigned', text(term) }
end
publish('lease_resign', lease_resign, BOUNDED)

--[[
  Run another function of the library for a leader: nothing happens when a newer leader was chosen since.

  Why here: whether the caller still leads must be known at the moment of the write and nowhere earlier. A leader that was
  paused between its own check and the write would otherwise undo what its successor did.

  KEYS[1]  prefix
  ARGV[1]  term      under which the caller leads
  ARGV[2]  function  its name without the library's
  ARGV[3]… its arguments
  Returns  {'written', what the function returns}   {'fenced', newest term}
  Swift    ClusterState.leading(under:)
]]
local function lease_write(keys, args)
    if not fence(keys[1], args[1]) then return { 'fenced', text(read_term(keys[1])) } end
    local write = published[args[2]]
    if not write then return redis.error_reply('ERR there is no function ' .. args[2]) end
    local arguments = {}
    for i = 3, #args do arguments[i - 2] = args[i] end
    return { 'written', write(keys, arguments) }
end
publish('lease_write', lease_write)

--[[
  As lease_write, when Redis is full: runs only what goes on then, such as removals. A name of its own, because Redis
  asks for a function's flag before it knows what the function will do.

  KEYS[1]  prefix
  ARGV     as lease_write
  Returns  as lease_write
  Swift    ClusterState.leading(under:)
]]
local function lease_write_bounded(keys, args)
    if not is_bounded[args[2]] then return redis.error_reply('OOM ' .. args[2] .. ' needs memory') end
    return lease_write(keys, args)
end
publish('lease_write_bounded', lease_write_bounded, BOUNDED)
