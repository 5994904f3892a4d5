-- Circuit breakers: replicas tell what became of their requests, the trip is decided here, once for all of them.
-- While half open, the right to send one request (a probe) is handed out here too; it belongs to a session.

-- A block of its own: Lua knows at most 200 locals at one place, over all files.
do
local BREAKER_WINDOW_S = 10
local BREAKER_REQUESTS_MIN = 10
-- The longest cooldown, as a multiple of the configured one; it doubles with each trip remembered.
local BREAKER_FACTOR_MAX = 10
-- A trip is forgotten with every such stretch since the breaker closed.
local BREAKER_MEMORY_MS = 60000
local BREAKERS_READ_MAX = 256
-- A session that lapses sooner is given no probe: the request would still run when somebody else is given the next.
local PROBE_LEASE_MIN_MS = 1000

local function breaker_key(prefix, instance)
    return prefix .. 'breaker:' .. instance
end

local function read_breaker(prefix, instance)
    local stored, breaker = redis.call('HGETALL', breaker_key(prefix, instance)), {}
    for i = 1, #stored, 2 do breaker[stored[i]] = stored[i + 1] end
    breaker.state = breaker.state or 'closed'
    breaker.generation = breaker.generation or '0'
    return breaker
end

local function number_of(stored)
    return tonumber(stored or '0') or 0
end

local function trips_remembered(breaker, clock)
    local trips = number_of(breaker.trips)
    if breaker.state ~= 'closed' then return trips end
    return math.max(0, trips - math.floor((clock - number_of(breaker.closed_at)) / BREAKER_MEMORY_MS))
end

-- Notes the change of state, so that every replica learns of it: by the signal at once, by reading at the latest.
-- Versions follow the clock, so that they also rise above those that Redis forgot.
local function breaker_moved(prefix, instance, breaker, actor, detail)
    local version = math.max(number_of(redis.call('HGET', prefix .. 'meta', 'breaker_version')) + 1, now_ms())
    redis.call('HSET', prefix .. 'meta', 'breaker_version', text(version))
    redis.call('HSET', breaker_key(prefix, instance), 'state', breaker.state, 'version', text(version))
    redis.call('ZADD', prefix .. 'breakers', text(version), instance)
    record_event(prefix, actor, 'breaker_' .. breaker.state, instance, '0', detail)
    signal(prefix, 'breaker', instance, text(version))
end

-- How many others of the pool are out. Forgets those that have come back or have left the registry.
local function count_ejected(prefix, instance, pool)
    local count, key = 0, prefix .. 'ejected:' .. pool
    for _, other in ipairs(redis.call('SMEMBERS', key)) do
        local service = string.match(other, '^([^@]*)@') or other
        local state = redis.call('HGET', breaker_key(prefix, other), 'state') or 'closed'
        if state == 'closed' or redis.call('EXISTS', prefix .. 'service:' .. service) == 0 then
            redis.call('SREM', key, other)
        elseif other ~= instance then
            count = count + 1
        end
    end
    return count
end

local function drop_fields(prefix, instance, breaker, pattern)
    for field in pairs(breaker) do
        if string.match(field, pattern) then redis.call('HDEL', breaker_key(prefix, instance), field) end
    end
end

-- From the instance and its generation, so that instances that fell together do not come back together.
local function jitter(instance, generation)
    return 0.9 + 0.2 * tonumber(string.sub(redis.sha1hex(instance .. generation), 1, 6), 16) / 0xffffff
end

local function open_breaker(prefix, instance, breaker, clock, cooldown_ms, actor, why)
    local trips = trips_remembered(breaker, clock) + 1
    local generation = number_of(breaker.generation) + 1
    local factor = math.min(2 ^ math.min(trips - 1, 30), BREAKER_FACTOR_MAX)
    local wait = math.floor(cooldown_ms * factor * jitter(instance, generation))
    drop_fields(prefix, instance, breaker, '^second:')
    drop_fields(prefix, instance, breaker, '^probe:')
    breaker.state = 'open'
    redis.call('HSET', breaker_key(prefix, instance), 'trips', text(trips), 'generation', text(generation),
        'opened_at', text(clock), 'retry_at', text(clock + wait), 'failures', '0', 'held', '0')
    redis.call('SADD', prefix .. 'ejected:' .. (breaker.pool or ''), instance)
    breaker_moved(prefix, instance, breaker, actor, why .. ', trip ' .. text(trips) .. ', for ' .. text(wait) .. ' ms')
    return wait
end

local function close_breaker(prefix, instance, breaker, clock, actor)
    drop_fields(prefix, instance, breaker, '^probe:')
    breaker.state = 'closed'
    redis.call('HSET', breaker_key(prefix, instance), 'closed_at', text(clock), 'failures', '0')
    redis.call('SREM', prefix .. 'ejected:' .. (breaker.pool or ''), instance)
    breaker_moved(prefix, instance, breaker, actor, 'a probe request succeeded')
end

-- Adds outcomes to their second; what happened in the window, and how many failures in a row.
local function count_outcomes(prefix, instance, breaker, clock, told)
    local key, second = breaker_key(prefix, instance), math.floor(clock / 1000)
    local field, good, bad = 'second:' .. text(second), 0, 0
    local before_good, before_bad = string.match(breaker[field] or '0:0', '^(%d+):(%d+)$')
    breaker[field] = text(number_of(before_good) + told.successes) .. ':' .. text(number_of(before_bad) + told.failures)
    for name, value in pairs(breaker) do
        local counted = tonumber(string.match(name, '^second:(%d+)$') or '')
        if counted and counted <= second - BREAKER_WINDOW_S then
            redis.call('HDEL', key, name)
        elseif counted then
            local ok, failed = string.match(value, '^(%d+):(%d+)$')
            good, bad = good + number_of(ok), bad + number_of(failed)
        end
    end
    local in_row = told.successes > 0 and told.trailing or number_of(breaker.failures) + told.failures
    redis.call('HSET', key, field, breaker[field], 'failures', text(in_row), 'generation', breaker.generation,
        'state', breaker.state)
    return good, bad, in_row
end

-- One instance's outcomes; the status of the reply, and the generation in which outcomes count now.
local function report_instance(prefix, policy, told)
    local breaker, instance = read_breaker(prefix, told.instance), told.instance
    if breaker.state ~= 'closed' or breaker.generation ~= told.generation then return 'late', breaker.generation end
    local good, bad, in_row = count_outcomes(prefix, instance, breaker, policy.clock, told)
    if told.failures == 0 then return bad > 0 and 'watched' or 'counted', breaker.generation end
    local by_row = in_row >= policy.failures_max
    local by_share = good + bad >= BREAKER_REQUESTS_MIN and bad >= policy.ratio * (good + bad)
    if not by_row and not by_share then return 'watched', breaker.generation end
    local key = breaker_key(prefix, instance)
    breaker.pool = told.pool
    if count_ejected(prefix, instance, told.pool) + 1 > math.max(1, math.floor(told.pool_size / 2)) then
        if breaker.held ~= '1' then
            redis.call('HSET', key, 'held', '1', 'pool', told.pool)
            record_event(prefix, policy.actor, 'breaker_held', instance, '0', 'its pool has lost as many as it may')
        end
        return 'held', breaker.generation
    end
    redis.call('HSET', key, 'pool', told.pool)
    local why = by_row and text(in_row) .. ' failures in a row' or text(bad) .. ' of ' .. text(good + bad) .. ' failed'
    open_breaker(prefix, instance, breaker, policy.clock, policy.cooldown_ms, policy.actor, why)
    return 'tripped', text(number_of(breaker.generation) + 1)
end

--[[
  Count what became of requests at instances; trip the breakers for which that is too much.

  Why one function: failures of several replicas add up, and two trips decided at once could take out more of a pool
  than may go (half of it, rounded down, at least one). Outcomes of requests admitted before the last trip say nothing
  about now; they name the generation they were admitted in.

  KEYS[1]  prefix
  ARGV[1]  actor         who reports, for the events
  ARGV[2]  failures_max  failures in a row that trip
  ARGV[3]  ratio         failed share of at least 10 requests in 10 s that trips
  ARGV[4]  cooldown_ms   of the first trip
  ARGV[5]… instance, pool, pool size, generation, successes, failures, failures after the last success; and so on
  Returns  {newest version, 'counted' | 'watched' | 'tripped' | 'held' | 'late', generation that counts now, …}
           in their order; 'watched': counted, and some failures of the last 10 s count, too
  Swift    ClusterState.reportOutcomes(_:policy:)
]]
local function breaker_report(keys, args)
    local prefix = keys[1]
    local policy = { actor = args[1], failures_max = tonumber(args[2]), ratio = tonumber(args[3]),
        cooldown_ms = tonumber(args[4]), clock = lease_now(prefix) }
    local statuses = {}
    for i = 5, #args - 6, 7 do
        local status, generation = report_instance(prefix, policy, {
            instance = args[i], pool = args[i + 1], pool_size = tonumber(args[i + 2]), generation = args[i + 3],
            successes = tonumber(args[i + 4]), failures = tonumber(args[i + 5]), trailing = tonumber(args[i + 6]),
        })
        statuses[#statuses + 1] = status
        statuses[#statuses + 1] = generation
    end
    return { redis.call('HGET', prefix .. 'meta', 'breaker_version') or '0', unpack(statuses) }
end
publish('breaker_report', breaker_report, BOUNDED)

--[[
  Read the breakers that moved after a version, the oldest move first, at most 256. When none did, this is two lookups.
  Every replica calls this five times a second, which also keeps the lease clock true.

  KEYS[1]  prefix
  ARGV[1]  since  version up to which the caller knows all; '0': nothing
  Returns  {newest version, {instance, 'closed' | 'open' | 'half_open', version, generation, trips,
            milliseconds since it opened, milliseconds until a probe may be asked for}, …}
  Swift    ClusterState.breakers(since:)
]]
local function breaker_read(keys, args)
    local prefix = keys[1]
    local reply = { redis.call('HGET', prefix .. 'meta', 'breaker_version') or '0' }
    tick_lease_clock(prefix)
    if reply[1] == args[1] then return reply end
    local clock = lease_now(prefix)
    local moved = redis.call('ZRANGEBYSCORE', prefix .. 'breakers', '(' .. args[1], '+inf', 'LIMIT', 0,
        BREAKERS_READ_MAX)
    for _, instance in ipairs(moved) do
        local breaker = read_breaker(prefix, instance)
        reply[#reply + 1] = { instance, breaker.state, breaker.version or '0', breaker.generation,
            text(trips_remembered(breaker, clock)), text(math.max(0, clock - number_of(breaker.opened_at))),
            text(math.max(0, number_of(breaker.retry_at) - clock)) }
    end
    return reply
end
publish('breaker_read', breaker_read, BOUNDED)

-- Counts the probes out; those of dead sessions are free again. The second value: one that never ended.
local function count_probes(prefix, instance, breaker, clock)
    local count, overdue = 0, nil
    for field, deadline in pairs(breaker) do
        local session = string.match(field, '^probe:(.*)#%d+$')
        if session and not is_live(prefix, session, clock) then
            redis.call('HDEL', breaker_key(prefix, instance), field)
            breaker[field] = false
        elseif session and tonumber(deadline) <= clock then
            overdue = session
        elseif session then
            count = count + 1
        end
    end
    return count, overdue
end

--[[
  Ask for the right to send one request to an instance whose cooldown is over.

  The first who asks after the cooldown makes the breaker half open. A probe belongs to its session and is free again
  when that lapses; one that its living owner does not end by the deadline counts as failed. To ask again with the same
  number changes nothing.

  KEYS[1]  prefix
  ARGV[1]  instance
  ARGV[2]  session
  ARGV[3]  number       of the probe, new for each one of the session
  ARGV[4]  probes_max   that may be out in the whole cluster
  ARGV[5]  ttl          milliseconds until the probe has ended for sure
  ARGV[6]  cooldown_ms  of the first trip
  ARGV[7]  waits        '1': a request was turned away for it; those who have one in hand unused hear of it
  Returns  {'granted'}   {'taken'} others have them all, or the session lapses within a second
           {'open', milliseconds left}   {'closed', generation that counts now}   {'lapsed'} the session is over
  Swift    ClusterState.askForProbe(_:policy:ttl:)
]]
local function breaker_probe(keys, args)
    local prefix, instance, session = keys[1], args[1], args[2]
    local clock = lease_now(prefix)
    if not is_live(prefix, session, clock) then return { 'lapsed' } end
    if not is_live(prefix, session, clock + PROBE_LEASE_MIN_MS) then return { 'taken' } end
    local breaker = read_breaker(prefix, instance)
    if breaker.state == 'closed' then return { 'closed', breaker.generation } end
    if breaker.state == 'open' and clock < number_of(breaker.retry_at) then
        return { 'open', text(number_of(breaker.retry_at) - clock) }
    end
    if breaker.state == 'open' then
        breaker.state = 'half_open'
        breaker_moved(prefix, instance, breaker, replica_of(session), 'the cooldown is over')
    end
    local count, overdue = count_probes(prefix, instance, breaker, clock)
    if overdue then
        return { 'open', text(open_breaker(prefix, instance, breaker, clock, tonumber(args[6]), replica_of(overdue),
            'a probe request never ended')) }
    end
    local mine = 'probe:' .. session .. '#' .. args[3]
    if breaker[mine] then return { 'granted' } end
    if count >= tonumber(args[4]) then
        if args[7] == '1' then signal(prefix, 'probe_wanted', instance, session) end
        return { 'taken' }
    end
    redis.call('HSET', breaker_key(prefix, instance), mine, text(clock + tonumber(args[5])))
    return { 'granted' }
end
publish('breaker_probe', breaker_probe, BOUNDED)

--[[
  Tell how a probe ended: success closes the breaker, failure opens it anew, neutral (unused, or an answer that says
  nothing) lets somebody else have it. A probe that is no longer out changes nothing, so this may be repeated.

  KEYS[1]  prefix
  ARGV[1]  instance
  ARGV[2]  session
  ARGV[3]  number
  ARGV[4]  outcome      'success' | 'failure' | 'neutral'
  ARGV[5]  cooldown_ms  of the first trip
  Returns  {'closed'}   {'open', milliseconds}   {'half_open'}   {'unknown'} no such probe is out
  Swift    ClusterState.endProbe(_:_:policy:)
]]
local function breaker_probe_end(keys, args)
    local prefix, instance, session = keys[1], args[1], args[2]
    local clock, breaker = lease_now(prefix), read_breaker(prefix, instance)
    local mine = 'probe:' .. session .. '#' .. args[3]
    if breaker.state ~= 'half_open' or not breaker[mine] then return { 'unknown' } end
    redis.call('HDEL', breaker_key(prefix, instance), mine)
    breaker[mine] = nil
    if args[4] == 'failure' then
        return { 'open', text(open_breaker(prefix, instance, breaker, clock, tonumber(args[5]), replica_of(session),
            'a probe request failed')) }
    end
    if args[4] == 'success' then
        close_breaker(prefix, instance, breaker, clock, replica_of(session))
        return { 'closed' }
    end
    signal(prefix, 'probe_free', instance, session)
    return { 'half_open' }
end
publish('breaker_probe_end', breaker_probe_end, BOUNDED)

--[[
  Forget the breakers of instances that have left the registry.

  KEYS[1]  prefix
  ARGV     instance, …
  Returns  {'forgotten', number of breakers there were}
  Swift    ClusterState.forgetBreakers(of:)
]]
local function breaker_forget(keys, args)
    local prefix, count = keys[1], 0
    for _, instance in ipairs(args) do
        local pool = redis.call('HGET', breaker_key(prefix, instance), 'pool')
        if pool then redis.call('SREM', prefix .. 'ejected:' .. pool, instance) end
        redis.call('ZREM', prefix .. 'breakers', instance)
        count = count + redis.call('DEL', breaker_key(prefix, instance))
    end
    return { 'forgotten', count }
end
publish('breaker_forget', breaker_forget, BOUNDED)
end
