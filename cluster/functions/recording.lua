-- Live predictions that were recorded, for replay in offline tests. Nothing is kept of a model type until somebody orders
-- it; what was kept goes when that ends, and by itself when it is a week old. Replicas hand over what they sampled once a
-- second, the newest stand first.

local RECORDED_AGE_MAX_MS = 7 * 24 * 3600 * 1000
-- A request with its answer, as JSON; replicas leave out longer ones.
local RECORDED_BYTES_MAX = 20 * 1024

local function recorded_key(prefix, type)
    return prefix .. 'recorded:' .. type
end

-- Drops what is too old. Entries begin with the time in ms.
local function drop_old_records(key)
    local limit = now_ms() - RECORDED_AGE_MAX_MS
    local oldest = redis.call('LINDEX', key, -1)
    while oldest and tonumber(string.match(oldest, '^%d+')) < limit do
        redis.call('RPOP', key)
        oldest = redis.call('LINDEX', key, -1)
    end
end

--[[
  Begin to record live predictions of a model type, or end it and forget what was recorded.

  KEYS[1]  prefix
  ARGV[1]  type       model type
  ARGV[2]  floor      highest epoch the caller has seen
  ARGV[3]  actor      who asks, for the events
  ARGV[4]  recording  of a million predictions how many, and how many are kept at most, such as '10000 1000'; '' ends it
  Returns  {'changed', epoch, epoch before, {field, value, …}}   {'same', epoch of the model}   {'absent'}
  Swift    ClusterState.setRecording(of:_:floor:by:)
]]
local function recording_set(keys, args)
    local prefix, type, recording = keys[1], args[1], args[4]
    local model = read_model(prefix, type)
    local _, oldest = offers_of(prefix, type)
    if not (model.latest or oldest) then return { 'absent' } end
    if recording == '' then
        redis.call('DEL', recorded_key(prefix, type))
    else
        redis.call('LTRIM', recorded_key(prefix, type), 0, tonumber(string.match(recording, '%d+$')) - 1)
    end
    if (model.recording or '') == recording then return { 'same', model.epoch or text(open_meta(prefix).epoch) } end
    local reply = change_model(prefix, type, args[2], { 'recording', recording })
    record_event(prefix, args[3], 'recording', type, reply[2], recording == '' and 'ended' or recording)
    return reply
end
publish('recording_set', recording_set)

--[[
  Keep recorded predictions, the newest last in the arguments. The oldest go when there are more than was ordered.

  KEYS[1]  prefix
  ARGV[1]  type  model type
  ARGV[2…] predictions as JSON: version, request, answer
  Returns  {'kept', how many there are now}   {'off'} nothing is to be recorded
  Swift    ClusterState.keepRecorded(_:of:)
]]
local function recording_add(keys, args)
    local key = recorded_key(keys[1], args[1])
    local recording = redis.call('HGET', keys[1] .. 'model:' .. args[1], 'recording')
    if not recording then return { 'off' } end
    for i = 2, #args do
        if #args[i] <= RECORDED_BYTES_MAX then redis.call('LPUSH', key, text(now_ms()) .. ' ' .. args[i]) end
    end
    redis.call('LTRIM', key, 0, tonumber(string.match(recording, '%d+$')) - 1)
    drop_old_records(key)
    redis.call('PEXPIRE', key, text(RECORDED_AGE_MAX_MS))
    return { 'kept', text(redis.call('LLEN', key)) }
end
publish('recording_add', recording_add)

--[[
  The recorded predictions of a model type, the newest first.

  KEYS[1]  prefix
  ARGV[1]  type  model type
  ARGV[2]  count how many at most; 0 to learn only how many there are
  Returns  {'ok', how many there are, prediction as JSON, …}
  Swift    ClusterState.recorded(of:atMost:)
]]
local function recording_read(keys, args)
    local key = recorded_key(keys[1], args[1])
    drop_old_records(key)
    local reply = { 'ok', text(redis.call('LLEN', key)) }
    if args[2] == '0' then return reply end
    for _, entry in ipairs(redis.call('LRANGE', key, 0, tonumber(args[2]) - 1)) do
        reply[#reply + 1] = string.match(entry, '^%d+ (.*)$')
    end
    return reply
end
publish('recording_read', recording_read)
