-- Sessions: which replicas live. What a replica holds, it holds through its session, and loses with it.
-- A session is named `<replica id>.<something new>`; one that has lapsed never comes back.
-- A session lasts from when its last beat was sent: one that is late, of a replica that died meanwhile, adds nothing.

-- For so long after its end a session is remembered as lapsed, and its replica can be looked at.
local SESSION_KEPT_MS = 60000

local function is_live(prefix, session, clock)
    local deadline = redis.call('ZSCORE', prefix .. 'sessions', session)
    return deadline and tonumber(deadline) > clock
end

local function replica_of(session)
    return string.match(session, '^(.*)%.[^.]*$') or session
end

-- Redis is new, or was emptied, when the first session opens: what replicas hold is not in the books. Nothing is granted
-- until they had the time to say so, a beat and a half: else the first to come back could be given what others use.
-- If one of them claims something, those whose connection takes longer are waited for as well, half a lease in all.
local function freeze_grants(prefix, clock, ttl)
    redis.call('HSET', prefix .. 'meta', 'grants_begin', text(clock + math.floor(ttl / 4)),
        'grants_begin_latest', text(clock + math.floor(ttl / 2)))
end

local function grants_are_frozen(prefix, clock)
    local begin = redis.call('HGET', prefix .. 'meta', 'grants_begin')
    return begin and tonumber(begin) > clock
end

local function stretch_freeze(prefix)
    redis.call('HSET', prefix .. 'meta', 'grants_begin', redis.call('HGET', prefix .. 'meta', 'grants_begin_latest'))
end

-- Removes a session, and its replica unless that has another one by now.
local function remove_session(prefix, session)
    local key = prefix .. 'replica:' .. replica_of(session)
    if redis.call('HGET', key, 'session') == session then redis.call('DEL', key) end
    redis.call('ZREM', prefix .. 'sessions', session)
end

-- {{replica id, milliseconds left, {field, value, …}}, …} of every replica that lives, each once.
local function live_replicas(prefix, clock)
    local stored = redis.call('ZRANGEBYSCORE', prefix .. 'sessions', '(' .. text(clock), '+inf', 'WITHSCORES')
    local replicas = {}
    for i = 1, #stored, 2 do
        local id = replica_of(stored[i])
        local key = prefix .. 'replica:' .. id
        -- A replica that was restarted under its old name has two live sessions for a while; the newer one is it.
        if redis.call('HGET', key, 'session') == stored[i] then
            replicas[#replicas + 1] = { id, text(tonumber(stored[i + 1]) - clock), redis.call('HGETALL', key) }
        end
    end
    return replicas
end

--[[
  Open or extend a replica's session, tell the others how it is, and learn who else lives and who leads.

  Every replica calls this about once a second. Only a name that Redis has not seen is opened: a delayed duplicate cannot bring a lapsed session, and all it held, back to life.

  KEYS[1]  prefix
  ARGV[1]  session  `<replica id>.<something new>`
  ARGV[2]  ttl      milliseconds
  ARGV[3]  sent     'open': open the session if it is not there. It holds nothing, so it begins now; if it is there, that
                    is all. Else the time of the lease clock when the beat was sent, as the caller reckons it by its own
                    clock from the last answer: the session lasts for ttl from then, and never ends earlier than it did
  ARGV[4]… field, value, …  of the replica, for others and for people
  Returns  {'opened' | 'extended', lease clock, {holder, term, milliseconds left} of the leader,
            {{replica id, milliseconds left, {field, value, …}}, …}, namesake}
             namesake: a session that has beaten under the same replica id since this one did, or ''
           {'lapsed', lease clock}
  Swift    ClusterState.beat(_:for:sentAt:_:)
]]
local function session_beat(keys, args)
    local prefix, session, ttl, sent = keys[1], args[1], tonumber(args[2]), tonumber(args[3])
    local clock, status = lease_now(prefix), 'extended'
    local deadline = tonumber(redis.call('ZSCORE', prefix .. 'sessions', session))
    if not deadline and not sent then
        if redis.call('HEXISTS', prefix .. 'meta', 'grants_begin') == 0 then freeze_grants(prefix, clock, ttl) end
        deadline, status = clock + ttl, 'opened'
    elseif not deadline or deadline <= clock then
        return { 'lapsed', text(clock) }
    elseif sent then
        deadline = math.max(deadline, math.min(sent, clock) + ttl)
    end
    redis.call('ZADD', prefix .. 'sessions', text(deadline), session)
    local key = prefix .. 'replica:' .. replica_of(session)
    local latest, namesake = redis.call('HGET', key, 'session'), ''
    -- One that has just opened may find what a crash left; one that was there finds another that beats.
    if status == 'extended' and sent and latest and latest ~= session then namesake = latest end
    redis.call('HSET', key, 'session', session, unpack(args, 4))
    local over = redis.call('ZRANGEBYSCORE', prefix .. 'sessions', '-inf', text(clock - SESSION_KEPT_MS))
    for _, old in ipairs(over) do remove_session(prefix, old) end
    local holder, term, left = read_leader(prefix, clock)
    return { status, text(clock), { holder, text(term), text(left) }, live_replicas(prefix, clock), namesake }
end
publish('session_beat', session_beat, BOUNDED)

--[[
  End a session: everything held through it is free.

  KEYS[1]  prefix
  ARGV[1]  session
  Returns  {'ended'}   {'absent'}
  Swift    ClusterState.endSession(_:)
]]
local function session_end(keys, args)
    local prefix, session = keys[1], args[1]
    if not redis.call('ZSCORE', prefix .. 'sessions', session) then return { 'absent' } end
    remove_session(prefix, session)
    signal(prefix, 'left', replica_of(session), session)
    return { 'ended' }
end
publish('session_end', session_end, BOUNDED)
