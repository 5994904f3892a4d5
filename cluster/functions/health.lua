-- Health: what probes found out about each instance, one judgement for all replicas. Each instance is probed once per
-- interval by the replica whose duty it is; what makes it exact is the claim, taken here before each probe.

-- A block of its own: Lua knows at most 200 locals at one place, over all files.
do
local function number_of(stored)
    return tonumber(stored or '0') or 0
end

local HEALTH_RISE_MIN = 2
local HEALTH_FALL_MIN = 3
local HEALTH_HISTORY_MAX = 20
-- A verdict that nobody renewed for so many intervals is no verdict; a replica that could not reach an instance which
-- others reach is left out of its probing for as long.
local HEALTH_LEASE_INTERVALS = 3
local VERDICTS_READ_MAX = 256

local function health_key(prefix, instance)
    return prefix .. 'health:' .. instance
end

local function read_health(prefix, instance)
    local stored, health = redis.call('HGETALL', health_key(prefix, instance)), {}
    for i = 1, #stored, 2 do health[stored[i]] = stored[i + 1] end
    health.verdict = health.verdict or 'unknown'
    return health
end

-- Makes every replica read the instance's record anew: after a change of the verdict or of who cannot reach it.
local function health_moved(prefix, instance)
    local version = math.max(number_of(redis.call('HGET', prefix .. 'meta', 'health_version')) + 1, now_ms())
    redis.call('HSET', prefix .. 'meta', 'health_version', text(version))
    redis.call('HSET', health_key(prefix, instance), 'version', text(version))
    redis.call('ZADD', prefix .. 'verdicts', text(version), instance)
    signal(prefix, 'verdict', instance, text(version))
end

local function change_verdict(prefix, instance, health, verdict, told)
    local wall = text(now_ms())
    local key = prefix .. 'health-history:' .. instance
    redis.call('LPUSH', key, table.concat({ wall, health.verdict, verdict, told.replica, told.error }, ' '))
    redis.call('LTRIM', key, 0, HEALTH_HISTORY_MAX - 1)
    redis.call('HSET', health_key(prefix, instance), 'verdict', verdict, 'since', wall)
    record_event(prefix, told.replica, 'instance_' .. verdict, instance, '0', told.error)
    health.verdict = verdict
    health_moved(prefix, instance)
end

-- The same rules as ProbeMachine: counts the finding; the verdict it would lead to, or nil.
local function count_finding(prefix, instance, health, finding)
    local good, bad = number_of(health.successes), number_of(health.failures)
    if finding == 'well' then
        good, bad = good + 1, 0
    elseif finding == 'unresolved' and health.verdict == 'unknown' then
        good = 0
    else
        good, bad = 0, bad + 1
    end
    redis.call('HSET', health_key(prefix, instance), 'successes', text(good), 'failures', text(bad))
    if finding == 'well' then
        return (health.verdict ~= 'unhealthy' or good >= HEALTH_RISE_MIN) and 'healthy' or nil
    end
    return (finding == 'no' or bad >= HEALTH_FALL_MIN) and 'unhealthy' or nil
end

-- Whether a replica other than this one lives and takes duties.
local function has_other_replica(prefix, clock, replica)
    for _, live in ipairs(live_replicas(prefix, clock)) do
        local leaving = redis.call('HGET', prefix .. 'replica:' .. live[1], 'leaving')
        if live[1] ~= replica and leaving ~= 'true' then return true end
    end
    return false
end

-- A replica finds the instance down that was not: another one is asked first, unless there is none or none answered
-- since the last time.
local function suspect(prefix, instance, health, told)
    local is_repeated = health.suspected_by == told.replica
    if is_repeated or not has_other_replica(prefix, told.clock, told.replica) then return false end
    redis.call('HSET', health_key(prefix, instance), 'suspected_by', told.replica, 'suspected_for', told.error)
    signal(prefix, 'second_opinion', instance, told.replica)
    return true
end

-- A second replica has looked. Well: only the first one cannot reach the instance.
local function settle_opinion(prefix, instance, health, told)
    redis.call('HDEL', health_key(prefix, instance), 'suspected_by', 'suspected_for')
    if told.finding == 'well' then
        redis.call('HSET', health_key(prefix, instance), 'failures', '0', 'unreachable:' .. health.suspected_by,
            text(told.clock + HEALTH_LEASE_INTERVALS * told.interval_ms))
        health_moved(prefix, instance)
        return 'dismissed'
    end
    told.error = told.error .. ' (' .. health.suspected_by .. ': ' .. (health.suspected_for or '') .. ')'
    redis.call('HSET', health_key(prefix, instance), 'error', told.error)
    change_verdict(prefix, instance, health, 'unhealthy', told)
    return 'changed'
end

-- What the replica knew of its own reach is settled by what it found now.
local function settle_reach(prefix, instance, health, told)
    local field = 'unreachable:' .. told.replica
    if told.finding ~= 'well' or not health[field] then return end
    redis.call('HDEL', health_key(prefix, instance), field)
    health_moved(prefix, instance)
end

local function report_finding(prefix, told)
    local instance, key = told.instance, health_key(prefix, told.instance)
    local health = read_health(prefix, instance)
    redis.call('HSET', key, 'last_check', text(now_ms()), 'checked_by', told.replica, 'latency_us', told.latency_us,
        'error', told.error, 'lease', text(told.clock + HEALTH_LEASE_INTERVALS * told.interval_ms))
    if not health.since then redis.call('HSET', key, 'since', text(now_ms()), 'verdict', 'unknown') end
    settle_reach(prefix, instance, health, told)
    local is_opinion = health.suspected_by and health.suspected_by ~= told.replica
    if is_opinion then return settle_opinion(prefix, instance, health, told) end
    local verdict = count_finding(prefix, instance, health, told.finding)
    local is_down = verdict == 'unhealthy' and health.verdict ~= 'unhealthy'
    if is_down and suspect(prefix, instance, health, told) then return 'suspected' end
    if told.finding == 'well' or is_down then redis.call('HDEL', key, 'suspected_by', 'suspected_for') end
    if not verdict or verdict == health.verdict then return 'same' end
    change_verdict(prefix, instance, health, verdict, told)
    return 'changed'
end

--[[
  Take the turn to probe instances: each is given once per interval in the whole cluster.

  Replicas agree whose duty an instance is, but for a moment after one comes or goes they do not; the claim does.

  KEYS[1]  prefix
  ARGV[1]  interval_ms
  ARGV[2]… instance, …
  Returns  {'0' | milliseconds until it is due, …}  in the order of the instances; '0': probe it now
  Swift    ClusterState.claimProbes(_:interval:)
]]
local function health_claim(keys, args)
    local prefix, interval_ms, clock, reply = keys[1], tonumber(args[1]), lease_now(keys[1]), {}
    for i = 2, #args do
        local key = health_key(prefix, args[i])
        local left = number_of(redis.call('HGET', key, 'due')) - clock
        if left <= 0 or left > interval_ms then
            redis.call('HSET', key, 'due', text(clock + interval_ms))
            left = 0
        end
        reply[#reply + 1] = text(left)
    end
    return reply
end
publish('health_claim', health_claim, BOUNDED)

--[[
  Tell what probes found.

  A clear no (another status, a refused connection) or the third silence in a row would make an instance unhealthy. Then
  another replica is asked by a signal; the finding of any replica but the first settles it. If none comes before the
  first replica's next finding, that one counts. A replica alone is believed at once.

  KEYS[1]  prefix
  ARGV[1]  replica      id of the one who probed
  ARGV[2]  interval_ms
  ARGV[3]… instance, 'well' | 'no' | 'silence' | 'unresolved', latency in µs or '', error or ''; and so on
  Returns  {'same' | 'changed' | 'suspected' | 'dismissed', …}  in the order of the instances
  Swift    ClusterState.reportFindings(_:interval:)
]]
local function health_report(keys, args)
    local prefix, statuses = keys[1], {}
    local clock = lease_now(prefix)
    for i = 3, #args - 3, 4 do
        statuses[#statuses + 1] = report_finding(prefix, {
            replica = args[1], interval_ms = tonumber(args[2]), clock = clock,
            instance = args[i], finding = args[i + 1], latency_us = args[i + 2], error = args[i + 3],
        })
    end
    return statuses
end
publish('health_report', health_report, BOUNDED)

--[[
  Read the verdicts that changed after a version, the oldest change first, at most 256.

  KEYS[1]  prefix
  ARGV[1]  since  version up to which the caller knows all; '0': nothing
  Returns  {newest version, {instance, verdict, version, {replica that cannot reach it, milliseconds left, …}}, …}
  Swift    ClusterState.verdicts(since:)
]]
local function health_read(keys, args)
    local prefix, clock = keys[1], lease_now(keys[1])
    local changed = redis.call('ZRANGEBYSCORE', prefix .. 'verdicts', '(' .. args[1], '+inf', 'LIMIT', 0,
        VERDICTS_READ_MAX)
    local reply = { redis.call('HGET', prefix .. 'meta', 'health_version') or '0' }
    for _, instance in ipairs(changed) do
        local health, unreachable = read_health(prefix, instance), {}
        for field, deadline in pairs(health) do
            local replica = string.match(field, '^unreachable:(.*)$')
            local left = tonumber(deadline) and tonumber(deadline) - clock or 0
            if replica and left > 0 then
                unreachable[#unreachable + 1] = replica
                unreachable[#unreachable + 1] = text(left)
            elseif replica then
                redis.call('HDEL', health_key(prefix, instance), field)
            end
        end
        reply[#reply + 1] = { instance, health.verdict, health.version or '0', unreachable }
    end
    return reply
end
publish('health_read', health_read, BOUNDED)

--[[
  Show all that is known of instances, for people.

  KEYS[1]  prefix
  ARGV     instance, …
  Returns  {{{field, value, …}, {'<ms> <verdict before> <verdict> <replica> <error>', …}}, …}  newest first
  Swift    ClusterState.health(of:)
]]
local function health_show(keys, args)
    local prefix, reply = keys[1], {}
    for _, instance in ipairs(args) do
        reply[#reply + 1] = { redis.call('HGETALL', health_key(prefix, instance)),
            redis.call('LRANGE', prefix .. 'health-history:' .. instance, 0, -1) }
    end
    return reply
end
publish('health_show', health_show, { 'no-writes' })

--[[
  Forget the health of instances that have left the registry.

  KEYS[1]  prefix
  ARGV     instance, …
  Returns  {'forgotten', number of instances that were known}
  Swift    ClusterState.forgetHealth(of:)
]]
local function health_forget(keys, args)
    local prefix, count = keys[1], 0
    for _, instance in ipairs(args) do
        redis.call('ZREM', prefix .. 'verdicts', instance)
        redis.call('DEL', prefix .. 'health-history:' .. instance)
        count = count + redis.call('DEL', health_key(prefix, instance))
    end
    return { 'forgotten', count }
end
publish('health_forget', health_forget, BOUNDED)
end
