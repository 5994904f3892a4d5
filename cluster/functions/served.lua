-- What callers got of services over all replicas, added up. The hash `served-total` holds the sums of all requests, `served:<id>`
-- those that went to one service; both also what sessions told last, to be dropped with them.

-- A block of its own: Lua knows at most 200 locals at one place, over all files.
do
local SUMS = { 'requests', 'failures', 'retries', 'latency_us' }
-- Words of a row: service, the sums, in flight, bounds.
local ROW_WORDS = 2 + #SUMS + 1

-- Adds a row: its sums, and its answers by the bound they came within, 'bound:count,…'. One read and one write, for every
-- replica does this once a second for every service that is asked.
local function add_row(key, session, args, first)
    local fields, new, words = { 'in_flight@' .. session }, { args[first + #SUMS + 1] }, {}
    for place, name in ipairs(SUMS) do
        if args[first + place] ~= '0' then fields[#fields + 1], new[#new + 1] = name, args[first + place] end
    end
    for bound, count in string.gmatch(args[first + ROW_WORDS - 1], '([^:,]+):(%d+)') do
        fields[#fields + 1], new[#new + 1] = 'within:' .. bound, count
    end
    local stored = redis.call('HMGET', key, unpack(fields))
    for place = 2, #fields do
        words[#words + 1] = fields[place]
        words[#words + 1] = text((tonumber(stored[place] or '0') or 0) + tonumber(new[place]))
    end
    if new[1] ~= '0' then
        words[#words + 1], words[#words + 2] = fields[1], new[1]
    elseif stored[1] then
        redis.call('HDEL', key, fields[1])
    end
    if #words > 0 then redis.call('HSET', key, unpack(words)) end
end

--[[
  Add what one replica's callers got since its last report.

  A report is numbered within its session: one that is repeated after an unknown outcome counts once. A session that has
  lapsed tells nothing, and of a service that is not registered nothing is kept.

  KEYS[1]  prefix
  ARGV[1]  session
  ARGV[2]  number    of the report, rising
  ARGV[3]… service ('' for the sums of all), requests, failures, retries, latency in microseconds, in flight now,
           'bound:count,…' of the answers by the milliseconds they came within, …
  Returns  {'counted'}   {'repeated'}   {'lapsed'}
  Swift    ClusterState.reportServed(_:number:_:)
]]
local function served_report(keys, args)
    local prefix, session = keys[1], args[1]
    if not is_live(prefix, session, lease_now(prefix)) then return { 'lapsed' } end
    local field = 'number@' .. session
    local before = tonumber(redis.call('HGET', prefix .. 'served-total', field) or '0') or 0
    if tonumber(args[2]) <= before then return { 'repeated' } end
    redis.call('HSET', prefix .. 'served-total', field, args[2])
    for i = 3, #args, ROW_WORDS do
        local id = args[i]
        local key = id == '' and prefix .. 'served-total' or prefix .. 'served:' .. id
        if id == '' or redis.call('EXISTS', prefix .. 'service:' .. id) == 1 then
            add_row(key, session, args, i)
        end
    end
    return { 'counted' }
end
publish('served_report', served_report, BOUNDED)

-- The row of one hash as served_counts returns it. What sessions told that are gone is dropped.
local function read_row(prefix, id, clock)
    local key = id == '' and prefix .. 'served-total' or prefix .. 'served:' .. id
    local stored, sums, in_flight, bounds = redis.call('HGETALL', key), {}, 0, {}
    for i = 1, #stored, 2 do
        local field, value = stored[i], stored[i + 1]
        local told, session = string.match(field, '^(.-)@(.*)$')
        if told and not is_live(prefix, session, clock) then
            redis.call('HDEL', key, field)
        elseif told == 'in_flight' then
            in_flight = in_flight + (tonumber(value) or 0)
        elseif string.sub(field, 1, 7) == 'within:' then
            bounds[#bounds + 1] = string.sub(field, 8)
            bounds[#bounds + 1] = value
        else
            sums[field] = value
        end
    end
    local row = { id }
    for _, name in ipairs(SUMS) do row[#row + 1] = sums[name] or '0' end
    row[#row + 1] = text(in_flight)
    for _, word in ipairs(bounds) do row[#row + 1] = word end
    return #stored > 0 and row or nil
end

--[[
  What callers of all replicas got of services, as far as was reported.

  KEYS[1]  prefix
  ARGV     services; '' for the sums of all
  Returns  {{service, requests, failures, retries, latency in microseconds, in flight, bound, count, …}, …} of those that
           were asked at all
  Swift    ClusterState.served(of:)
]]
local function served_counts(keys, args)
    local clock, rows = lease_now(keys[1]), {}
    for _, id in ipairs(args) do
        local row = read_row(keys[1], id, clock)
        if row then rows[#rows + 1] = row end
    end
    return rows
end
publish('served_counts', served_counts, BOUNDED)
end
