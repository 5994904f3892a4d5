-- The registry as a whole: how a replica catches up with it, and how it gives back what Redis lost.
-- A record is a service or what a model's aliases point at; its stamp is the epoch of the change that made it.

local INDEXES = { service = 'services', model = 'models' }

--[[
  Begin a generation on an empty data set, and put the table of keys where a person with redis-cli finds it.

  Why: a data set that was emptied must not be taken for the old one. Naming the caller's generation as parent tells
  other replicas that they may restore into it what they remember.

  KEYS[1]  prefix
  ARGV[1]  parent  the generation the caller knew, or ''
  ARGV[2]  help    text for the key `help`
  Returns  {generation}
  Swift    ClusterState.open(heirOf:)
]]
local function registry_open(keys, args)
    local meta = open_meta(keys[1], args[1])
    if redis.call('GET', keys[1] .. 'help') ~= args[2] then redis.call('SET', keys[1] .. 'help', args[2]) end
    return { meta.generation }
end
publish('registry_open', registry_open)

-- The log after `since`, provided that `since` is in it; nil otherwise.
local function log_after(prefix, since, count)
    local start = since .. '-0'
    local entries = redis.call('XRANGE', prefix .. 'log', start, '+', 'COUNT', count + 1)
    if #entries == 0 or entries[1][1] ~= start then return nil end
    table.remove(entries, 1)
    return entries
end

-- Whether a change this replica has seen is gone: later than the newest, or missing inside the log that is kept.
local function is_lost(prefix, meta, since)
    if since == 0 then return false end
    if since > meta.epoch then return true end
    local oldest = redis.call('XRANGE', prefix .. 'log', '-', '+', 'COUNT', 1)
    return oldest[1] ~= nil and tonumber(string.match(oldest[1][1], '^(%d+)')) < since
end

--[[
  What happened since the replica's epoch.

  KEYS[1]  prefix
  ARGV[1]  generation  the generation the replica follows, or ''
  ARGV[2]  since       its epoch
  ARGV[3]  count_max   entries in a reply
  Returns  {status, generation, parent, born, epoch, count, sum, time in ms, entries}
           status  'empty' no generation yet (nothing follows) | 'unchanged' | 'delta' the entries follow `since` |
                   'full' read it by registry_page | 'lost' as full, and changes the replica has seen are gone
  Swift    ClusterState.sync(generation:since:)
]]
local function registry_sync(keys, args)
    local prefix, since = keys[1], tonumber(args[2])
    local meta = read_meta(prefix)
    if not meta then return { 'empty' } end
    local status, entries = 'full', nil
    if args[1] == meta.generation then
        if since == meta.epoch then
            status = 'unchanged'
        elseif since > 0 and since < meta.epoch then
            entries = log_after(prefix, args[2], tonumber(args[3]))
        end
        if entries then status = 'delta' end
        if status == 'full' and is_lost(prefix, meta, since) then status = 'lost' end
    end
    return { status, meta.generation, meta.parent, meta.born, text(meta.epoch), text(meta.count), text(meta.sum),
        text(now_ms()), entries or {} }
end
publish('registry_sync', registry_sync, { 'no-writes' })

--[[
  One page of all records of a kind, by rising stamp.

  Why by stamp: a record that changes while pages are read moves behind the cursor's reach into a later page or into
  the log after the first page's epoch, so that pages and then the log give the whole truth.

  KEYS[1]  prefix
  ARGV[1]  kind        'service' | 'model'
  ARGV[2]  stamp       of the last record read, '0' at the beginning
  ARGV[3]  id          of the last record read, '' at the beginning
  ARGV[4]  count_max   records in a reply
  Returns  {'page' | 'end', generation, epoch, {{id, stamp, {field, value, …}}, …}}   {'empty'}
  Swift    ClusterState.page(_:)
]]
local function registry_page(keys, args)
    local prefix, kind, count = keys[1], args[1], tonumber(args[4])
    local meta = read_meta(prefix)
    if not meta then return { 'empty' } end
    local ids = redis.call('ZRANGEBYSCORE', prefix .. INDEXES[kind], args[2], '+inf', 'WITHSCORES', 'LIMIT', 0, count)
    local records = {}
    for i = 1, #ids, 2 do
        local is_after = tonumber(ids[i + 1]) > tonumber(args[2]) or ids[i] > args[3]
        if is_after then
            local fields = redis.call('HGETALL', prefix .. kind .. ':' .. ids[i])
            records[#records + 1] = { ids[i], text(tonumber(ids[i + 1])), fields }
        end
    end
    return { #ids < 2 * count and 'end' or 'page', meta.generation, text(meta.epoch), records }
end
publish('registry_page', registry_page, { 'no-writes' })

-- Puts a record or its tombstone in place of what is stored, with the stamp it always had.
local function restore(prefix, meta, kind, id, stamp, fields)
    local key, index = prefix .. kind .. ':' .. id, prefix .. INDEXES[kind]
    count_change(meta, redis.call('ZSCORE', index, id) or nil, #fields > 0 and stamp or nil)
    redis.call('DEL', key)
    if #fields == 0 then
        if kind == 'service' then redis.call('DEL', prefix .. 'served:' .. id) end
        redis.call('ZREM', index, id)
        redis.call('ZREM', prefix .. 'leases', id)
        bury(prefix, meta, kind .. ':' .. id, stamp)
    else
        redis.call('HSET', key, unpack(fields))
        redis.call('ZADD', index, text(stamp), id)
        redis.call('ZREM', prefix .. 'tombstones', kind .. ':' .. id)
    end
end

--[[
  Give back one record, or the knowledge that it was removed, that a replica saw acknowledged and Redis lost.

  The original stamp is kept, so that the newest knowledge wins whoever comes first. Refused are other generations,
  and records so old that the mark of their removal may have been forgotten.

  KEYS[1]  prefix
  ARGV[1]  generation  the generation the caller has just read
  ARGV[2]  kind        'service' | 'model'
  ARGV[3]  id
  ARGV[4]  stamp
  ARGV[5]  floor       highest epoch the caller has seen
  ARGV[6]  actor       for the events
  ARGV[7]… field, value, …  the whole record; none: it was removed
  Returns  {'restored', epoch} | {'same'} | {'newer', stamp stored} | {'forgotten'} | {'foreign', generation}
  Swift    ClusterState.restore(_:generation:floor:by:)
]]
local function registry_repair(keys, args)
    local prefix, kind, id, stamp = keys[1], args[2], args[3], tonumber(args[4])
    local meta = read_meta(prefix)
    if not meta or meta.generation ~= args[1] then return { 'foreign', meta and meta.generation or '' } end
    local stored = tonumber(redis.call('ZSCORE', prefix .. INDEXES[kind], id) or '0')
    local buried = tonumber(redis.call('ZSCORE', prefix .. 'tombstones', kind .. ':' .. id) or '0')
    local newest = math.max(stored, buried)
    if newest == stamp then return { 'same' } end
    if newest > stamp then return { 'newer', text(newest) } end
    if stamp <= meta.collected then return { 'forgotten' } end
    local fields = { unpack(args, 7) }
    restore(prefix, meta, kind, id, stamp, fields)
    local epoch = next_epoch(meta, math.max(stamp, tonumber(args[5])))
    commit(prefix, meta, epoch, #fields > 0 and kind or kind .. '_removed', id, stamp, fields)
    record_event(prefix, args[6], 'restored', id, text(epoch))
    if kind == 'service' and #fields > 0 then settle_lease(prefix, id) end
    return { 'restored', text(epoch) }
end
publish('registry_repair', registry_repair)

--[[
  Count the records anew, after somebody edited the keys by hand so that the digest no longer tells the truth.

  KEYS[1]  prefix
  Returns  {count, sum}
  Swift    ClusterState.recount()
]]
local function registry_recount(keys)
    local meta = open_meta(keys[1])
    recount(keys[1], meta)
    redis.call('HSET', keys[1] .. 'meta', 'count', text(meta.count), 'sum', text(meta.sum))
    return { text(meta.count), text(meta.sum) }
end
publish('registry_recount', registry_recount)
