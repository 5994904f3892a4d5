-- Offline tests of versions. They wait here until the leader makes them, one after another; the verdict goes to the
-- model's record under the leader's term, so every replica reads it, and it comes back with the registry when Redis was
-- emptied. A test that its leader did not live to end is made again by the next one: asking models changes nothing.

local EVALUATIONS_WAITING_MAX = 100
-- Requests of tests that have not ended, together.
local EVALUATION_BYTES_MAX = 64 * 1024 * 1024
-- Verdicts that are kept of a version, the newest last.
local VERDICTS_MAX = 5

local function has_verdict(model, version, id)
    return string.find(model['evaluations:' .. version] or '', '"' .. id .. '"', 1, true) ~= nil
end

--[[
  Keep an offline test of a version until the leader makes it. An id that is known makes no second test.

  KEYS[1]  prefix
  ARGV[1]  id       of the test
  ARGV[2]  type     model type
  ARGV[3]  version  under test
  ARGV[4]  request  what is to be tested, as JSON
  ARGV[5]  actor    who asks, for the events
  Returns  {'queued'}   {'known'}   {'absent'}   {'unknown', version}   {'full', how many wait, bytes of their requests}
  Swift    ClusterState.submitEvaluation(_:by:)
]]
local function evaluation_submit(keys, args)
    local prefix, id, type, version, request = keys[1], args[1], args[2], args[3], args[4]
    local model = read_model(prefix, type)
    local offers, oldest = offers_of(prefix, type)
    if not (model.latest or oldest) then return { 'absent' } end
    if not is_known_version(model, offers, version) then return { 'unknown', version } end
    local key = prefix .. 'evaluation:' .. id
    if redis.call('EXISTS', key) == 1 or has_verdict(model, version, id) then return { 'known' } end
    local waiting = redis.call('ZCARD', prefix .. 'evaluations-waiting')
    local bytes = tonumber(redis.call('HGET', prefix .. 'meta', 'evaluation_bytes') or '0')
    if waiting >= EVALUATIONS_WAITING_MAX or bytes + #request > EVALUATION_BYTES_MAX then
        return { 'full', text(waiting), text(bytes) }
    end
    redis.call('HSET', key, 'model_type', type, 'version', version, 'request', request, 'attempts', '0')
    redis.call('ZADD', prefix .. 'evaluations-waiting', text(now_us()), id)
    redis.call('HINCRBY', prefix .. 'meta', 'evaluation_bytes', #request)
    record_event(prefix, args[5], 'evaluation_queued', type, '0', version .. ' ' .. id)
    signal(prefix, 'evaluation_queued', id)
    return { 'queued' }
end
publish('evaluation_submit', evaluation_submit)

local function drop_evaluation(prefix, id)
    local key = prefix .. 'evaluation:' .. id
    local bytes = redis.call('HSTRLEN', key, 'request')
    redis.call('DEL', key)
    redis.call('ZREM', prefix .. 'evaluations-waiting', id)
    redis.call('HINCRBY', prefix .. 'meta', 'evaluation_bytes', text(-bytes))
end

--[[
  The test that has waited longest, for the leader to make. It stays here until its verdict is given.

  KEYS[1]  prefix
  ARGV[1]  term  of the leader that asks
  Returns  {'fenced'}   {'none'}   {'ok', id, how often it was begun, type, version, request}
  Swift    ClusterState.nextEvaluation(term:)
]]
local function evaluation_next(keys, args)
    local prefix = keys[1]
    if not fence(prefix, args[1]) then return { 'fenced' } end
    local id = redis.call('ZRANGE', prefix .. 'evaluations-waiting', 0, 0)[1]
    if not id then return { 'none' } end
    local key = prefix .. 'evaluation:' .. id
    local stored = redis.call('HMGET', key, 'model_type', 'version', 'request')
    if not (stored[1] and stored[2] and stored[3]) then
        drop_evaluation(prefix, id)
        return { 'none' }
    end
    return { 'ok', id, redis.call('HINCRBY', key, 'attempts', 1), stored[1], stored[2], stored[3] }
end
publish('evaluation_next', evaluation_next, BOUNDED)

-- Why a version that passed cannot become the latest by itself; nil when it can.
local function promotion_hindrance(model, offers, latest, version, expected)
    if is_rolling(model) then return 'a canary of version ' .. model['rollout:to'] .. ' is running' end
    if latest ~= expected then return 'the latest is ' .. latest .. ', not ' .. expected .. ' any more' end
    local state = state_of(model, offers, version)
    if state ~= 'ready' then return 'the version is ' .. state end
end

-- Adds what makes the version the latest, if it may; an event tells either way.
local function promote(prefix, args, model, latest, offers, changes)
    local type, actor, version = args[2], args[4], args[6]
    if latest == version then return end
    local hindrance = promotion_hindrance(model, offers, latest, version, args[8])
    if hindrance then
        record_event(prefix, actor, 'promotion_refused', type, '0', version .. ': ' .. hindrance)
        return
    end
    add(changes, unpack(pointing_at(model, latest, version)))
    record_event(prefix, actor, 'switched', type, '0', latest .. ' to ' .. version .. ', which passed its test')
end

--[[
  Give the verdict of a test: it stands on the version from now on, and the test is done. A version that passed becomes
  the latest in the same step when that was asked for and `expected` still is the latest.

  KEYS[1]  prefix
  ARGV[1]  term      of the leader that writes
  ARGV[2]  type      model type
  ARGV[3]  floor     highest epoch the caller has seen
  ARGV[4]  actor     who asks, for the events
  ARGV[5]  id        of the test
  ARGV[6]  version   under test
  ARGV[7]  verdict   'passed' | 'failed'
  ARGV[8]  expected  '' no promotion, else the version that must be the latest now
  ARGV[9]  numbers   the verdict as JSON, one line
  ARGV[10] summary   for the events
  Returns  {'changed', epoch, epoch before, {field, value, …}}   {'fenced'}   {'stale'} somebody ended it   {'absent'}
  Swift    ClusterState.endEvaluation(_:_:promoting:term:floor:by:)
]]
local function evaluation_end(keys, args)
    local prefix, type, id, version = keys[1], args[2], args[5], args[6]
    if not fence(prefix, args[1]) then return { 'fenced' } end
    if redis.call('EXISTS', prefix .. 'evaluation:' .. id) == 0 then return { 'stale' } end
    drop_evaluation(prefix, id)
    local model = read_model(prefix, type)
    local offers, oldest = offers_of(prefix, type)
    local latest = model.latest or oldest
    if not latest then return { 'absent' } end
    local lines = {}
    for line in string.gmatch(model['evaluations:' .. version] or '', '[^\n]+') do lines[#lines + 1] = line end
    lines[#lines + 1] = args[9]
    while #lines > VERDICTS_MAX do table.remove(lines, 1) end
    local changes = { 'verdict:' .. version, args[7], 'evaluations:' .. version, table.concat(lines, '\n') }
    record_event(prefix, args[4], 'evaluation_' .. args[7], type, '0', version .. ': ' .. args[10])
    if args[7] == 'passed' and args[8] ~= '' then promote(prefix, args, model, latest, offers, changes) end
    return change_model(prefix, type, args[3], changes)
end
publish('evaluation_end', evaluation_end, BOUNDED)
