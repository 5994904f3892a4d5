-- Traffic: what the versions of models did over all replicas, added up, and which replica still holds requests of one;
-- and how the answers of shadows compared.

-- What a replica told under a session: fields `<version>` of what is in flight now, beside the sums of all.
local function in_flight_field(version, session)
    return 'in_flight:' .. version .. '@' .. session
end

local SHADOW_COUNTS = { 'requests', 'skipped', 'failures', 'status_differs', 'compared', 'equal', 'latency_us',
    'caller_latency_us' }
local SHADOW_SUMS = { 'difference', 'magnitude' }
local SHADOW_WORDS = 2 + #SHADOW_COUNTS + #SHADOW_SUMS

-- Adds what became of copies: type, version, then the counts and the sums.
local function count_copies(prefix, args, first)
    local key, field = prefix .. 'traffic:' .. args[first], 'shadow:' .. args[first + 1] .. ':'
    for place, name in ipairs(SHADOW_COUNTS) do
        local new = args[first + 1 + place]
        if new ~= '0' then redis.call('HINCRBY', key, field .. name, new) end
    end
    for place, name in ipairs(SHADOW_SUMS) do
        local new = args[first + 1 + #SHADOW_COUNTS + place]
        if tonumber(new) ~= 0 then redis.call('HINCRBYFLOAT', key, field .. name, new) end
    end
end

--[[
  Add what one replica counted since its last report, and tell what it has in flight now. When a version last answered
  is known as exactly as reports are frequent.

  A report is numbered within its session: one that is repeated after an unknown outcome counts once. A session that
  has lapsed tells nothing. The epoch is that of the snapshot which the figures came after.

  KEYS[1]  prefix
  ARGV[1]  session
  ARGV[2]  number    of the report, rising
  ARGV[3]  epoch     that every event loop of the replica had used before it counted
  ARGV[4]  rows      of the versions of models
  ARGV[5]… type, version, requests, failures, latency in microseconds, in flight, …  all but the last are new ones
  then…    of shadows: type, version, requests, skipped, failures, status_differs, compared, equal, latency_us,
           caller_latency_us, difference, magnitude, …  all of them new ones
  Returns  {'counted'}   {'repeated'}   {'lapsed'}
  Swift    ClusterState.reportTraffic(_:number:epoch:_:)
]]
local function traffic_report(keys, args)
    local prefix, session = keys[1], args[1]
    if not is_live(prefix, session, lease_now(prefix)) then return { 'lapsed' } end
    local before = redis.call('HGET', prefix .. 'reports', session)
    local number = before and tonumber(string.match(before, '^(%d+)')) or 0
    if tonumber(args[2]) <= number then return { 'repeated' } end
    redis.call('HSET', prefix .. 'reports', session, args[2] .. ':' .. args[3])
    local shadows = 5 + 6 * tonumber(args[4])
    for i = shadows, #args, SHADOW_WORDS do count_copies(prefix, args, i) end
    for i = 5, shadows - 1, 6 do
        local key, version = prefix .. 'traffic:' .. args[i], args[i + 1]
        redis.call('HINCRBY', key, 'sum:' .. version .. ':requests', args[i + 2])
        redis.call('HINCRBY', key, 'sum:' .. version .. ':failures', args[i + 3])
        redis.call('HINCRBY', key, 'sum:' .. version .. ':latency_us', args[i + 4])
        if args[i + 2] ~= '0' then redis.call('HSET', key, 'last:' .. version, text(now_ms())) end
        if args[i + 5] == '0' then
            redis.call('HDEL', key, in_flight_field(version, session))
        else
            redis.call('HSET', key, in_flight_field(version, session), args[i + 5])
        end
    end
    return { 'counted' }
end
publish('traffic_report', traffic_report, BOUNDED)

-- Forgets what sessions told that are gone.
local function forget_reports(prefix, type)
    local gone = {}
    for _, session in ipairs(redis.call('HKEYS', prefix .. 'reports')) do
        if not redis.call('ZSCORE', prefix .. 'sessions', session) then
            redis.call('HDEL', prefix .. 'reports', session)
            gone[session] = true
        end
    end
    for _, field in ipairs(redis.call('HKEYS', prefix .. 'traffic:' .. type)) do
        local session = string.match(field, '^in_flight:[^@]*@(.*)$')
        if session and (gone[session] or not redis.call('ZSCORE', prefix .. 'sessions', session)) then
            redis.call('HDEL', prefix .. 'traffic:' .. type, field)
        end
    end
end

--[[
  What a version did since the last mark (the beginning of a rollout's step), and who holds requests of it.

  KEYS[1]  prefix
  ARGV[1]  type     model type
  ARGV[2]… version
  Returns  {lease clock, {{version, requests, failures, latency in microseconds}, …},
            {{replica id, epoch of its last report or 0, in flight of each version asked for, …}, …}}
  Swift    ClusterState.traffic(of:_:)
]]
local function traffic_counts(keys, args)
    local prefix, type, clock = keys[1], args[1], lease_now(keys[1])
    local key, counts, holders = prefix .. 'traffic:' .. type, {}, {}
    forget_reports(prefix, type)
    for i = 2, #args do
        local row = { args[i] }
        for _, name in ipairs({ ':requests', ':failures', ':latency_us' }) do
            local stored = redis.call('HMGET', key, 'sum:' .. args[i] .. name, 'mark:' .. args[i] .. name)
            row[#row + 1] = text(tonumber(stored[1] or '0') - tonumber(stored[2] or '0'))
        end
        counts[#counts + 1] = row
    end
    for _, replica in ipairs(live_replicas(prefix, clock)) do
        local session = redis.call('HGET', prefix .. 'replica:' .. replica[1], 'session')
        local report = redis.call('HGET', prefix .. 'reports', session) or '0:0'
        local row = { replica[1], string.match(report, ':(%d+)$') or '0' }
        for i = 2, #args do
            row[#row + 1] = redis.call('HGET', key, in_flight_field(args[i], session)) or '0'
        end
        holders[#holders + 1] = row
    end
    return { text(clock), counts, holders }
end
publish('traffic_counts', traffic_counts, BOUNDED)

-- A block of its own: Lua knows at most 200 locals at one place, over all files.
do
--[[
  What versions did over all replicas since they were first asked: sums that only rise, whatever is measured from a mark.

  KEYS[1]  prefix
  ARGV     type, version, …
  Returns  {requests, failures, latency in microseconds, ms of the last report with requests or 0, …} of each in turn
  Swift    ClusterState.trafficTotals(of:)
]]
local function traffic_totals(keys, args)
    local totals = {}
    for i = 1, #args, 2 do
        local sum = 'sum:' .. args[i + 1]
        local fields = { sum .. ':requests', sum .. ':failures', sum .. ':latency_us', 'last:' .. args[i + 1] }
        local stored = redis.call('HMGET', keys[1] .. 'traffic:' .. args[i], unpack(fields))
        for place = 1, #fields do totals[#totals + 1] = stored[place] or '0' end
    end
    return totals
end
publish('traffic_totals', traffic_totals, { 'no-writes' })
end

--[[
  How the answers of a shadow compared, since it became one.

  KEYS[1]  prefix
  ARGV[1]  type     model type
  ARGV[2]  version
  Returns  {requests, skipped, failures, status_differs, compared, equal, latency_us, caller_latency_us, difference,
            magnitude}
  Swift    ClusterState.shadowFigures(of:_:)
]]
local function traffic_shadow(keys, args)
    local fields = {}
    for _, names in ipairs({ SHADOW_COUNTS, SHADOW_SUMS }) do
        for _, name in ipairs(names) do fields[#fields + 1] = 'shadow:' .. args[2] .. ':' .. name end
    end
    local stored = redis.call('HMGET', keys[1] .. 'traffic:' .. args[1], unpack(fields))
    for i = 1, #fields do stored[i] = stored[i] or '0' end
    return stored
end
publish('traffic_shadow', traffic_shadow, { 'no-writes' })

--[[
  Which live replicas do not serve by an epoch yet: what a switch waits for. A lapsed one does not count: it catches up
  before it serves again.

  KEYS[1]  prefix
  ARGV[1]  epoch
  Returns  {{replica id, its epoch, milliseconds left of its session}, …}
  Swift    ClusterState.replicas(behind:)
]]
local function session_behind(keys, args)
    local prefix, behind = keys[1], {}
    for _, replica in ipairs(live_replicas(prefix, lease_now(prefix))) do
        local epoch = redis.call('HGET', prefix .. 'replica:' .. replica[1], 'epoch') or '0'
        if (tonumber(epoch) or 0) < tonumber(args[1]) then
            behind[#behind + 1] = { replica[1], epoch, replica[2] }
        end
    end
    return behind
end
publish('session_behind', session_behind, BOUNDED)
