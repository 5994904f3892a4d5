-- Discovery: what the leader found by itself. Called under its term, so that a deposed leader changes nothing.

-- A block of its own: Lua knows at most 200 locals at one place, over all files.
do
-- The hash `sightings` keeps a fingerprint of what was last registered by sight, so that a service changes only when
-- it says something new; `gone` stands for one that discovery itself removed and may come back as it was.
local SIGHTINGS_MAX = 4096

local function is_buried(prefix, id)
    local at = tonumber(redis.call('ZSCORE', prefix .. 'tombstones', 'service:' .. id) or '')
    return at ~= nil and at > now_us() - TOMBSTONE_AGE_US
end

-- Drops what is remembered of services that are neither registered nor freshly removed.
local function prune_sightings(prefix)
    local key = prefix .. 'sightings'
    if redis.call('HLEN', key) <= SIGHTINGS_MAX then return end
    for _, id in ipairs(redis.call('HKEYS', key)) do
        local is_known = redis.call('EXISTS', prefix .. 'service:' .. id) == 1 or is_buried(prefix, id)
        if not is_known then redis.call('HDEL', key, id) end
    end
end

-- Why the sighting changes nothing; nil when it does. What the API or a file says of the id goes before what is seen,
-- and what the API removed stays removed for a day unless it says something new.
local function ignores_sighting(prefix, id, fingerprint, sources)
    local source = redis.call('HGET', prefix .. 'service:' .. id, 'source')
    local known = redis.call('HGET', prefix .. 'sightings', id)
    if source then
        if not string.find(sources, ' ' .. source .. ' ', 1, true) then return 'theirs' end
        return known == fingerprint and 'same' or nil
    end
    if known == 'gone' or not is_buried(prefix, id) then return nil end
    if known and known ~= fingerprint then return nil end
    redis.call('HSET', prefix .. 'sightings', id, fingerprint)
    return 'buried'
end

--[[
  Register a service that was seen, unless somebody else speaks for it or it was removed on purpose.

  Why one function: whether the API removed the service, and what was last seen of it, must be known at the moment of
  the write; the leader's own memory may be that of a leader before it.

  KEYS[1]  prefix
  ARGV[1]  fingerprint  of what was seen
  ARGV[2]… as service_register from its ARGV[1]
  Returns  as service_register, or {'theirs'} another source's | {'same'} nothing new | {'buried'}
  Swift    ClusterState.registerSeen(_:source:fingerprint:floor:)
]]
local function discovery_register(keys, args)
    local prefix, id = keys[1], args[2]
    local reason = ignores_sighting(prefix, id, args[1], ' probe dns ')
    if reason then return { reason } end
    redis.call('HSET', prefix .. 'sightings', id, args[1])
    prune_sightings(prefix)
    return service_register(keys, { unpack(args, 2) })
end
publish('discovery_register', discovery_register)

--[[
  Remove a service that is seen no more, if it is still the source's. It may come back as it was.

  KEYS[1]  prefix
  ARGV     as service_remove
  Returns  as service_remove
  Swift    ClusterState.removeUnseen(_:source:floor:)
]]
local function discovery_remove(keys, args)
    local reply = service_remove(keys, args)
    if reply[1] == 'removed' then redis.call('HSET', keys[1] .. 'sightings', args[1], 'gone') end
    return reply
end
publish('discovery_remove', discovery_remove, BOUNDED)

--[[
  Store the addresses that a service's host name stands for, so that all replicas have the same instances.

  KEYS[1]  prefix
  ARGV[1]  id         service id
  ARGV[2]  url        the service_url whose host was resolved
  ARGV[3]  addresses  with commas between them
  ARGV[4]  floor      highest epoch the caller has seen
  ARGV[5]  actor      who asks, for the events
  Returns  {'changed', epoch, epoch before, {field, value, …}}   {'same', epoch, '', {field, value, …}}
           {'absent'}   {'moved'} the service has another URL by now, or is not resolved any more
  Swift    ClusterState.storeResolution(_:of:floor:)
]]
local function discovery_resolve(keys, args)
    local prefix, id, key = keys[1], args[1], keys[1] .. 'service:' .. args[1]
    local stored = redis.call('HMGET', key, 'epoch', 'service_url', 'discovery')
    if not stored[1] then return { 'absent' } end
    if stored[2] ~= args[2] or stored[3] ~= 'dns' then return { 'moved' } end
    local changes = differing(key, { 'resolved_url', args[2], 'addresses', args[3] }, 1)
    if #changes == 0 then return { 'same', stored[1], '', redis.call('HGETALL', key) } end
    local reply = change_service(prefix, id, args[4], changes, 'changed')
    record_event(prefix, args[5], 'resolved', id, reply[2], args[3])
    return reply
end
publish('discovery_resolve', discovery_resolve)

--[[
  Remember what of a catalogue was applied, so that the next leader knows what changed since. No entries forget it.

  KEYS[1]  prefix
  ARGV[1]  url  of the catalogue
  ARGV[2]… name, entry as applied, name, entry, …
  Returns  {'stored', number of entries}
  Swift    ClusterState.setAppliedCatalogue(_:_:)
]]
local function discovery_catalogue(keys, args)
    local prefix, url = keys[1], args[1]
    local key = prefix .. 'catalogue:' .. url
    redis.call('DEL', key)
    for i = 2, #args, 2 do redis.call('HSET', key, args[i], args[i + 1]) end
    redis.call(#args > 1 and 'SADD' or 'SREM', prefix .. 'catalogues', url)
    return { 'stored', (#args - 1) / 2 }
end
publish('discovery_catalogue', discovery_catalogue)

--[[
  Keep what a sweep found. An event is written only when it differs from the sweep before, whose number would otherwise
  push everything else out of the audit.

  KEYS[1]  prefix
  ARGV[1]  actor    who swept
  ARGV[2]  summary  the event's detail: what each source gave, and what went wrong
  ARGV[3]… source, found, errors, source, found, errors, …
  Returns  {'stored'}
  Swift    ClusterState.storeSweep(_:)
]]
local function discovery_sweep(keys, args)
    local prefix, key = keys[1], keys[1] .. 'discovery'
    if redis.call('HGET', key, 'summary') ~= args[2] then
        record_event(prefix, args[1], 'swept', 'discovery', '0', args[2])
    end
    redis.call('HSET', key, 'at', text(now_ms()), 'by', args[1], 'term', text(read_term(prefix)), 'summary', args[2])
    for i = 3, #args, 3 do
        redis.call('HSET', key, args[i] .. '_found', args[i + 1])
        redis.call('HINCRBY', key, args[i] .. '_errors', args[i + 2])
    end
    return { 'stored' }
end
publish('discovery_sweep', discovery_sweep)

--[[
  Tell the leader that something may have changed; only a hint.

  KEYS[1]  prefix
  ARGV[1]  subject  the service or source it is about
  ARGV[2]  reason
  Returns  {'told'}
  Swift    ClusterState.hintDiscovery(_:reason:)
]]
local function discovery_hint(keys, args)
    signal(keys[1], 'hint', args[1], args[2])
    return { 'told' }
end
publish('discovery_hint', discovery_hint)
end
