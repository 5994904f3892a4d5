-- Permits: the right to one request in flight at an instance. Replicas hold them in numbers, through their sessions.
-- Holdings are absolute and numbered, never "one more" or "one less": a call that is repeated, lost or late cannot
-- count twice. The sum of what live sessions hold never passes the limit by a grant.
-- After Redis was emptied nothing is granted until the replicas had time to say what they hold (see freeze_grants).

-- Of 'granted:number' or 'version:limit'; what a person broke counts as zero.
local function read_pair(stored)
    local first, second = string.match(stored or '', '^(%d+):(%d+)$')
    return tonumber(first or '0'), tonumber(second or '0')
end

-- In an instance's permits, beside what sessions hold: when one that waits asked last, on the lease clock.
local function asked_field(session)
    return '#asked:' .. session
end

-- What others hold, and what this session does. Drops what dead sessions held: their permits are back.
local function read_grants(prefix, key, session, clock)
    local stored = redis.call('HGETALL', key)
    local grants = { others = {}, asked = {}, sum = 0, mine = 0, number = 0, version = 0, limit = 0 }
    for i = 1, #stored, 2 do
        local field, first, second = stored[i], read_pair(stored[i + 1])
        local waiter = string.match(field, '^#asked:(.*)$')
        if field == '#limit' then
            grants.version, grants.limit = first, second
        elseif waiter and (waiter == session or is_live(prefix, waiter, clock)) then
            grants.asked[waiter] = tonumber(stored[i + 1])
        elseif field == session then
            grants.mine, grants.number = first, second
        elseif is_live(prefix, field, clock) then
            grants.others[field] = first
            grants.sum = grants.sum + first
        else
            redis.call('HDEL', key, field)
        end
    end
    return grants
end

-- Who else waits, since when; and since when this session does. Who waits asks four times a second. One that has not asked
-- for a second is passed over, for it may be dead, long before its session lapses, or need nothing any more; it keeps its
-- place, and is counted again from when it asks. That moves turns alone: no permit is granted that is not free.
local function read_waiters(prefix, key, session, clock, asked)
    local silent_ms_max = 1000
    local stored = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
    local waiters, mine = {}, nil
    for i = 1, #stored, 2 do
        if stored[i] == session then
            mine = tonumber(stored[i + 1])
        elseif is_live(prefix, stored[i], clock) then
            local is_silent = clock - (asked[stored[i]] or clock) > silent_ms_max
            if not is_silent then waiters[stored[i]] = tonumber(stored[i + 1]) end
        else
            redis.call('ZREM', key, stored[i])
        end
    end
    return waiters, mine
end

-- Sessions that hold or wait, this one included.
local function count_demand(grants, waiters)
    local demand = 1
    for session, granted in pairs(grants.others) do
        if granted > 0 or waiters[session] then demand = demand + 1 end
    end
    for session in pairs(waiters) do
        if not grants.others[session] then demand = demand + 1 end
    end
    return demand
end

-- Waiters in all; those below the floor that each is owed; and of these the ones that go before this session.
local function count_waiters(grants, waiters, base, floor, waits_since)
    local all, entitled, ahead = 0, 0, 0
    for session, since in pairs(waiters) do
        all = all + 1
        if (grants.others[session] or 0) < floor then
            entitled = entitled + 1
            if base >= floor or not waits_since or since < waits_since then ahead = ahead + 1 end
        end
    end
    return all, entitled, ahead
end

-- How many a session may go on holding, before anything is granted: never above what was granted to it, but what a
-- replica says it had is believed while the books are new. A request in flight is a fact, whoever allowed it.
local function find_base(prefix, clock, grants, held, in_flight, limit)
    if held > grants.mine and grants_are_frozen(prefix, clock) then
        stretch_freeze(prefix)
        grants.mine = math.max(grants.mine, limit - grants.sum)
    end
    return math.max(math.min(held, grants.mine), in_flight)
end

-- One instance of permit_lease; `ask` is {instance, number, held, in flight, want, stock, limit, version of the limit}.
local function lease_at_instance(prefix, session, clock, ask)
    local key, line = prefix .. 'permits:' .. ask[1], prefix .. 'waiters:' .. ask[1]
    local number, held, in_flight, want = tonumber(ask[2]), tonumber(ask[3]), tonumber(ask[4]), tonumber(ask[5])
    local grants = read_grants(prefix, key, session, clock)
    if number <= grants.number then return { 'stale', text(grants.number) } end
    local stock, limit, version = tonumber(ask[6]), tonumber(ask[7]), tonumber(ask[8])
    if grants.version > version then limit, version = grants.limit, grants.version end
    local base = find_base(prefix, clock, grants, held, in_flight, limit)
    local waiters, waits_since = read_waiters(prefix, line, session, clock, grants.asked)
    local share = math.floor(limit / count_demand(grants, waiters))
    local all, entitled, ahead = count_waiters(grants, waiters, base, math.max(1, share), waits_since)
    local granted, is_frozen = base, grants_are_frozen(prefix, clock)
    if not is_frozen then
        granted = base + math.max(0, math.min(want - base, limit - grants.sum - base - ahead))
        if all == 0 then granted = math.max(granted, math.min(stock, limit - grants.sum)) end
    end
    redis.call('HSET', key, session, text(granted) .. ':' .. text(number),
        '#limit', text(version) .. ':' .. text(limit))
    if want > granted then
        redis.call('HSET', key, asked_field(session), text(clock))
        if redis.call('ZADD', line, 'NX', text(clock), session) == 1 then signal(prefix, 'want', ask[1], session) end
    elseif waits_since then
        redis.call('HDEL', key, asked_field(session))
        redis.call('ZREM', line, session)
    end
    local free = limit - grants.sum - granted
    if granted < grants.mine and all > 0 and free > 0 then signal(prefix, 'free', ask[1], session) end
    return { 'held', text(granted), text(limit), entitled, share, text(number), all, text(math.max(0, -free)),
        is_frozen and 1 or 0 }
end

--[[
  Say what this replica holds and uses of instances' permits, what it wants, and learn what it has.

  Everybody who holds or waits is owed limit / their number, at least one; whoever has that much goes behind those who
  wait for it. When more is out than the limit allows (it was lowered, a lost replica came back with requests in
  flight), nothing is granted and everybody is told by how much. Redis never takes away by itself what a replica may
  be using: the replica gives back first and says so then; a lost reply cannot leave it with more than Redis counts.
  A stock is what a replica would hold idle, so that it can serve a little when Redis goes away. It is granted of what
  nobody needs, and given back when somebody does.

  KEYS[1]  prefix
  ARGV[1]  session
  ARGV[2]… instance, number, held, in flight, want, stock, limit, version of the limit; and so on for further instances
           number  above that of the session's last call for this instance
           held    what the replica has lowered its holding to; in its first call, what it held in its session before
  Returns  {'lapsed'}   the session is over: nothing is held
           {'ok', {'held', granted, limit, entitled waiters, share, number, waiters, over, 1 while nothing is granted}, …}
           or, for an instance,
           {'stale', number}   a later call was here before
  Swift    ClusterState.leasePermits(_:session:)
]]
local function permit_lease(keys, args)
    local prefix, session = keys[1], args[1]
    local clock = lease_now(prefix)
    if not is_live(prefix, session, clock) then return { 'lapsed' } end
    local reply = { 'ok' }
    for i = 2, #args - 7, 8 do
        reply[#reply + 1] = lease_at_instance(prefix, session, clock, { unpack(args, i, i + 7) })
    end
    return reply
end
publish('permit_lease', permit_lease, BOUNDED)

--[[
  Forget what a session held of an instance that is gone; the last one to forget removes the instance's keys.

  KEYS[1]  prefix
  ARGV[1]  session
  ARGV[2]  instance
  Returns  {'forgotten'}   {'shared'} others still hold or wait
  Swift    ClusterState.forgetPermits(of:session:)
]]
local function permit_forget(keys, args)
    local prefix, session = keys[1], args[1]
    local key, line = prefix .. 'permits:' .. args[2], prefix .. 'waiters:' .. args[2]
    local clock = lease_now(prefix)
    redis.call('HDEL', key, session, asked_field(session))
    redis.call('ZREM', line, session)
    local grants = read_grants(prefix, key, session, clock)
    local waiters = read_waiters(prefix, line, session, clock, {})
    if next(grants.others) or next(waiters) then return { 'shared' } end
    redis.call('DEL', key, line)
    return { 'forgotten' }
end
publish('permit_forget', permit_forget, BOUNDED)
