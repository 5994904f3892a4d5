-- Services: what is registered, changed, drained and removed. Each change is one epoch; a repetition is none.

-- Whether the record is as the caller expects: '' anything, '0' nothing, else that epoch.
local function is_expected(expected, before)
    return expected == '' or (before or '0') == expected
end

-- Begins, renews or ends the lease that goes with a service's field `lease` (seconds; absent: none).
local function settle_lease(prefix, id)
    local lease = tonumber(redis.call('HGET', prefix .. 'service:' .. id, 'lease') or '')
    if lease then
        redis.call('ZADD', prefix .. 'leases', text(lease_now(prefix) + lease * 1000), id)
    else
        redis.call('ZREM', prefix .. 'leases', id)
    end
    return lease
end

-- The pairs args[first...] that differ from the stored hash; an empty value stands for an absent field.
local function differing(key, args, first)
    local changes = {}
    for i = first, #args, 2 do
        if (redis.call('HGET', key, args[i]) or '') ~= args[i + 1] then
            changes[#changes + 1] = args[i]
            changes[#changes + 1] = args[i + 1]
        end
    end
    return changes
end

local function write_fields(key, changes)
    for i = 1, #changes, 2 do
        if changes[i + 1] == '' then
            redis.call('HDEL', key, changes[i])
        else
            redis.call('HSET', key, changes[i], changes[i + 1])
        end
    end
end

-- Writes the changed fields under a new epoch. Fields that nobody named stay: an older build keeps what a newer one
-- wrote. Returns the reply of the function that changed the service.
local function change_service(prefix, id, floor, changes, status)
    local meta, key = open_meta(prefix), prefix .. 'service:' .. id
    local before, epoch = redis.call('HGET', key, 'epoch'), next_epoch(meta, floor)
    write_fields(key, changes)
    redis.call('HSET', key, 'epoch', text(epoch))
    if not before then
        redis.call('HSET', key, 'draining', 'false', 'registered_at', text(now_ms()), 'registered_epoch', text(epoch))
        redis.call('ZREM', prefix .. 'tombstones', 'service:' .. id)
    end
    redis.call('ZADD', prefix .. 'services', text(epoch), id)
    count_change(meta, before, epoch)
    local record = redis.call('HGETALL', key)
    return { status, text(epoch), commit(prefix, meta, epoch, 'service', id, epoch, record), record }
end

-- Names of the changed fields, for the event.
local function names_of(changes)
    local names = {}
    for i = 1, #changes, 2 do names[#names + 1] = changes[i] end
    return table.concat(names, ' ')
end

--[[
  Store a service as it is given; a repetition changes nothing but renews the lease.

  Why one function: two replicas may register the same id at once, and what one of them answers must be what is
  stored. When it was first registered, and whether it drains, survive the change.

  KEYS[1]  prefix
  ARGV[1]  id        service id
  ARGV[2]  floor     highest epoch the caller has seen
  ARGV[3]  expected  '' anything, '0' no such service, else the epoch it must have
  ARGV[4]  actor     who asks, for the events
  ARGV[5]… field, value, …  every field the caller knows; an empty value removes the field
  Returns  {'created' | 'changed', epoch, epoch before, {field, value, …}}
           {'same', epoch of the service, '', {field, value, …}}   {'conflict', epoch of the service}
  Swift    ClusterState.register(_:source:floor:expecting:by:)
]]
local function service_register(keys, args)
    local prefix, id, key = keys[1], args[1], keys[1] .. 'service:' .. args[1]
    local before = redis.call('HGET', key, 'epoch')
    if not is_expected(args[3], before) then return { 'conflict', before or '0' } end
    local changes = differing(key, args, 5)
    local reply
    if before and #changes == 0 then
        reply = { 'same', before, '', redis.call('HGETALL', key) }
    else
        reply = change_service(prefix, id, args[2], changes, before and 'changed' or 'created')
        record_event(prefix, args[4], before and 'changed' or 'registered', id, reply[2], names_of(changes))
    end
    settle_lease(prefix, id)
    return reply
end
publish('service_register', service_register)

--[[
  Change some fields of a registered service.

  KEYS[1]  prefix
  ARGV[1]  id        service id
  ARGV[2]  floor     highest epoch the caller has seen
  ARGV[3]  expected  '' anything, else the epoch it must have
  ARGV[4]  actor     who asks, for the events
  ARGV[5]… field, value, …  an empty value removes the field
  Returns  as service_register without 'created', or {'absent'}
  Swift    ClusterState.patch(_:_:floor:expecting:by:)
]]
local function service_patch(keys, args)
    if redis.call('EXISTS', keys[1] .. 'service:' .. args[1]) == 0 then return { 'absent' } end
    return service_register(keys, args)
end
publish('service_patch', service_patch)

--[[
  Take a service out of rotation, or put it back.

  KEYS[1]  prefix
  ARGV[1]  id        service id
  ARGV[2]  floor     highest epoch the caller has seen
  ARGV[3]  draining  'true' | 'false'
  ARGV[4]  actor     who asks, for the events
  Returns  {'changed', epoch, epoch before, {field, value, …}}   {'same', epoch, '', {field, value, …}}   {'absent'}
  Swift    ClusterState.drain(_:_:floor:by:)
]]
local function service_drain(keys, args)
    local prefix, id, key = keys[1], args[1], keys[1] .. 'service:' .. args[1]
    local stored = redis.call('HMGET', key, 'epoch', 'draining')
    if not stored[1] then return { 'absent' } end
    if (stored[2] or 'false') == args[3] then return { 'same', stored[1], '', redis.call('HGETALL', key) } end
    local reply = change_service(prefix, id, args[2], { 'draining', args[3] }, 'changed')
    record_event(prefix, args[4], args[3] == 'true' and 'drained' or 'undrained', id, reply[2])
    return reply
end
publish('service_drain', service_drain)

-- Removes a service that exists and leaves a tombstone; returns the epoch of the removal and the one before.
local function remove_service(prefix, id, floor, actor, kind)
    local meta, key = open_meta(prefix), prefix .. 'service:' .. id
    local epoch = next_epoch(meta, floor)
    count_change(meta, redis.call('HGET', key, 'epoch'), nil)
    redis.call('DEL', key, prefix .. 'served:' .. id)
    redis.call('ZREM', prefix .. 'services', id)
    redis.call('ZREM', prefix .. 'leases', id)
    bury(prefix, meta, 'service:' .. id, epoch)
    local previous = commit(prefix, meta, epoch, 'service_removed', id, epoch)
    record_event(prefix, actor, kind, id, text(epoch))
    return text(epoch), previous
end

--[[
  Remove a service.

  KEYS[1]  prefix
  ARGV[1]  id        service id
  ARGV[2]  floor     highest epoch the caller has seen
  ARGV[3]  expected  '' anything, else the epoch it must have
  ARGV[4]  actor     who asks, for the events
  ARGV[5]  source    '' anything, else the source it must still have: the file removes only what is still its own
  Returns  {'removed', epoch, epoch before}   {'absent'}   {'conflict', epoch of the service}
  Swift    ClusterState.remove(_:floor:expecting:ifSource:by:)
]]
local function service_remove(keys, args)
    local prefix, id = keys[1], args[1]
    local stored = redis.call('HMGET', prefix .. 'service:' .. id, 'epoch', 'source')
    if not stored[1] then return { 'absent' } end
    local is_asked_for = is_expected(args[3], stored[1]) and (args[5] == '' or args[5] == stored[2])
    if not is_asked_for then return { 'conflict', stored[1] } end
    return { 'removed', remove_service(prefix, id, args[2], args[4], 'removed') }
end
publish('service_remove', service_remove, BOUNDED)

--[[
  Renew the lease of a service that has one.

  KEYS[1]  prefix
  ARGV[1]  id      service id
  Returns  {'renewed', lease in seconds}   {'unlimited'} it has no lease   {'absent'} it must register again
  Swift    ClusterState.heartbeat(_:)
]]
local function service_heartbeat(keys, args)
    if redis.call('EXISTS', keys[1] .. 'service:' .. args[1]) == 0 then return { 'absent' } end
    local lease = settle_lease(keys[1], args[1])
    if not lease then return { 'unlimited' } end
    return { 'renewed', redis.call('HGET', keys[1] .. 'service:' .. args[1], 'lease') }
end
publish('service_heartbeat', service_heartbeat, BOUNDED)

--[[
  Remove the services whose lease has run out, the oldest first. Writes nothing while no service has a lease.

  KEYS[1]  prefix
  ARGV[1]  count_max  at most so many a call
  ARGV[2]  actor      who asks, for the events
  Returns  {service id, …}
  Swift    ClusterState.expire(by:)
]]
local function services_expire(keys, args)
    local prefix = keys[1]
    if redis.call('EXISTS', prefix .. 'leases') == 0 then return {} end
    local late = redis.call('ZRANGEBYSCORE', prefix .. 'leases', '-inf', text(lease_now(prefix)), 'LIMIT', 0, args[1])
    local expired = {}
    for _, id in ipairs(late) do
        if redis.call('EXISTS', prefix .. 'service:' .. id) == 1 then
            remove_service(prefix, id, '0', args[2], 'expired')
            expired[#expired + 1] = id
        else
            redis.call('ZREM', prefix .. 'leases', id)
        end
    end
    return expired
end
publish('services_expire', services_expire, BOUNDED)

--[[
  Remember what of the services file was applied, so that any leader knows what changed since.

  KEYS[1]  prefix
  ARGV     name, entry as applied, name, entry, …
  Returns  {'stored', number of entries}
  Swift    ClusterState.setAppliedFile(_:)
]]
local function services_file_store(keys, args)
    local key = keys[1] .. 'services-file'
    redis.call('DEL', key)
    for i = 1, #args, 2 do redis.call('HSET', key, args[i], args[i + 1]) end
    return { 'stored', #args / 2 }
end
publish('services_file_store', services_file_store)
