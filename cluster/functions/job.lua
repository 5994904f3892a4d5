-- Training jobs. A job has at most one runner, which holds it through its session and loses it with it; every step of a
-- runner that lost it is refused. What is done outside is noted before it is done: a job is `sending` from before its
-- request leaves until the trainer answered, so whoever takes it over knows that the training may have started.
-- A job is queued (phase waiting, preparing), running (sending, watching, finding), or has ended and has no phase.
-- When Redis is full no job is submitted, but those that are there go on: their number is bounded, what a step writes is
-- small and replaces what the step before wrote, and an end frees the request.

local JOBS_UNENDED_MAX = 1000
-- Requests of jobs that have not ended, together.
local JOB_BYTES_MAX = 256 * 1024 * 1024
-- An ended job, and its idempotency key with it, is forgotten after this time, earlier when there are too many.
local JOBS_ENDED_MAX = 10000
local JOB_KEPT_US = 7 * 24 * 3600 * 1000000
local JOBS_FORGOTTEN_A_CALL = 20
local JOBS_LOOKED_AT_A_CALL = 1000

local function job_key(prefix, id)
    return prefix .. 'job:' .. id
end

local function forget_job(prefix, id)
    local key = redis.call('HGET', job_key(prefix, id), 'key')
    if key and redis.call('HGET', prefix .. 'job-keys', key) == id then redis.call('HDEL', prefix .. 'job-keys', key) end
    redis.call('DEL', job_key(prefix, id))
    redis.call('ZREM', prefix .. 'jobs', id)
    redis.call('ZREM', prefix .. 'jobs-ended', id)
end

-- Forgets the jobs that ended longest ago: those that are too old, and the oldest when there are too many.
local function forget_jobs(prefix)
    local oldest = redis.call('ZRANGE', prefix .. 'jobs-ended', 0, JOBS_FORGOTTEN_A_CALL - 1, 'WITHSCORES')
    local surplus = redis.call('ZCARD', prefix .. 'jobs-ended') - JOBS_ENDED_MAX
    local limit = now_us() - JOB_KEPT_US
    for i = 1, #oldest, 2 do
        if surplus > 0 or tonumber(oldest[i + 1]) < limit then forget_job(prefix, oldest[i]) end
        surplus = surplus - 1
    end
end

-- The job is over; nothing of it is left but what people read.
local function finish_job(prefix, id, status, actor, detail)
    local key = job_key(prefix, id)
    local bytes = redis.call('HGET', key, 'bytes')
    redis.call('HSET', key, 'status', status, 'ended_at', text(now_ms()))
    redis.call('HDEL', key, 'phase', 'runner', 'asked')
    redis.call('DEL', prefix .. 'job-request:' .. id)
    redis.call('ZREM', prefix .. 'jobs-waiting', id)
    redis.call('HDEL', prefix .. 'jobs-held', id)
    redis.call('HDEL', prefix .. 'jobs-placed', id)
    redis.call('HINCRBY', prefix .. 'meta', 'job_bytes', '-' .. (bytes or '0'))
    redis.call('ZADD', prefix .. 'jobs-ended', text(now_us()), id)
    record_event(prefix, actor, 'job_' .. status, id, '0', detail)
    signal(prefix, 'job_ended', id, status)
    forget_jobs(prefix)
end

-- Whether the session may take a step of the job: 'own', or why not.
local function job_right(prefix, session, id, clock)
    local stored = redis.call('HMGET', job_key(prefix, id), 'status', 'runner', 'phase')
    if not stored[1] then return 'absent' end
    if not stored[3] then return 'ended' end
    if stored[2] ~= session or not is_live(prefix, session, clock) then return 'lost' end
    return 'own'
end

--[[
  Keep a new job until a runner takes it. A job id, or an idempotency key, that is known makes no second job.

  KEYS[1]  prefix
  ARGV[1]  id       of the new job, never used before
  ARGV[2]  key      idempotency key, or ''
  ARGV[3]  request  the body, as the caller sent it
  ARGV[4]  timeout  milliseconds until the job must have ended
  ARGV[5]  actor    who asks, for the events
  ARGV[6]… field, value, …  of the job, for runners and for people
  Returns  {'queued' | 'known', id, {field, value, …}}   {'conflict', id} the key belongs to another request
           {'full', how many jobs have not ended, bytes of their requests}
  Swift    ClusterState.submit(_:by:)
]]
local function job_submit(keys, args)
    local prefix, id, key, request = keys[1], args[1], args[2], args[3]
    local digest = redis.sha1hex(request)
    local known = redis.call('EXISTS', job_key(prefix, id)) == 1 and id
        or key ~= '' and redis.call('HGET', prefix .. 'job-keys', key)
    if known then
        if redis.call('HGET', job_key(prefix, known), 'digest') ~= digest then return { 'conflict', known } end
        return { 'known', known, redis.call('HGETALL', job_key(prefix, known)) }
    end
    local unended = redis.call('ZCARD', prefix .. 'jobs-waiting') + redis.call('HLEN', prefix .. 'jobs-held')
    local bytes = tonumber(redis.call('HGET', prefix .. 'meta', 'job_bytes') or '0')
    if unended >= JOBS_UNENDED_MAX or bytes + #request > JOB_BYTES_MAX then
        return { 'full', text(unended), text(bytes) }
    end
    local clock = lease_now(prefix)
    redis.call('HSET', job_key(prefix, id), 'status', 'queued', 'phase', 'waiting', 'digest', digest, 'bytes', #request,
        'created_at', text(now_ms()), 'deadline', text(clock + tonumber(args[4])), unpack(args, 6))
    redis.call('SET', prefix .. 'job-request:' .. id, request)
    redis.call('HINCRBY', prefix .. 'meta', 'job_bytes', #request)
    redis.call('ZADD', prefix .. 'jobs', text(now_us()), id)
    redis.call('ZADD', prefix .. 'jobs-waiting', text(clock), id)
    if key ~= '' then
        redis.call('HSET', prefix .. 'job-keys', key, id)
        redis.call('HSET', job_key(prefix, id), 'key', key)
    end
    record_event(prefix, args[5], 'job_queued', id, '0')
    signal(prefix, 'job_queued', id)
    forget_jobs(prefix)
    return { 'queued', id, redis.call('HGETALL', job_key(prefix, id)) }
end
publish('job_submit', job_submit)

-- Gives the job to the session. What was on its way to a trainer when its runner went may have arrived.
local function take_job(prefix, session, id, clock)
    local key = job_key(prefix, id)
    if redis.call('HGET', key, 'phase') == 'sending' then
        redis.call('HSET', key, 'phase', 'finding', 'maybe_started', 'true', 'finding_since', text(clock))
        record_event(prefix, replica_of(session), 'job_taken_over', id, '0', 'the training may have started')
    end
    redis.call('HSET', key, 'runner', session)
    redis.call('HINCRBY', key, 'runners', 1)
    redis.call('HSET', prefix .. 'jobs-held', id, session)
    redis.call('ZREM', prefix .. 'jobs-waiting', id)
    local deadline = tonumber(redis.call('HGET', key, 'deadline') or '0')
    return { id, text(deadline - clock), redis.call('HGETALL', key) }
end

-- Ids of jobs that some runner held and nobody runs: its session is over, or it is the caller and does not know of it.
local function orphaned_jobs(prefix, session, clock, running)
    local stored = redis.call('HGETALL', prefix .. 'jobs-held')
    local orphans = {}
    for i = 1, #stored, 2 do
        local is_free = stored[i + 1] == session or not is_live(prefix, stored[i + 1], clock)
        if is_free and not running[stored[i]] then orphans[#orphans + 1] = stored[i] end
    end
    return orphans
end

--[[
  Take jobs to run: first those whose runner is gone, then those that wait and are due, in the order they came.

  The caller names what it runs, so that a job whose reply was lost on the way is given to it again.

  KEYS[1]  prefix
  ARGV[1]  session
  ARGV[2]  count_max  jobs in a reply
  ARGV[3]… ids of the jobs that the caller runs
  Returns  {'lapsed'}   {'ok', {id, milliseconds until it must have ended, {field, value, …}}, …}
  Swift    ClusterState.claimJobs(_:session:running:)
]]
local function job_claim(keys, args)
    local prefix, session, count = keys[1], args[1], tonumber(args[2])
    local clock, running, reply = lease_now(prefix), {}, { 'ok' }
    if not is_live(prefix, session, clock) then return { 'lapsed' } end
    for i = 3, #args do running[args[i]] = true end
    for _, id in ipairs(orphaned_jobs(prefix, session, clock, running)) do
        if #reply <= count then reply[#reply + 1] = take_job(prefix, session, id, clock) end
    end
    local left = count - (#reply - 1)
    if left > 0 then
        local due = redis.call('ZRANGEBYSCORE', prefix .. 'jobs-waiting', '-inf', text(clock), 'LIMIT', 0, left)
        for _, id in ipairs(due) do reply[#reply + 1] = take_job(prefix, session, id, clock) end
    end
    return reply
end
publish('job_claim', job_claim, BOUNDED)

local function trainings_at(prefix, instance, but)
    local stored = redis.call('HGETALL', prefix .. 'jobs-placed')
    local count = 0
    for i = 1, #stored, 2 do
        if stored[i + 1] == instance and stored[i] ~= but then count = count + 1 end
    end
    return count
end

--[[
  Note that the job's request leaves for a trainer now, if the trainer has room for one more training.

  KEYS[1]  prefix
  ARGV[1]  session
  ARGV[2]  id        of the job
  ARGV[3]  instance  where it goes: `<service>@<url>`
  ARGV[4]  limit     trainings at a time there; 0: no limit
  ARGV[5]… field, value, …  of the job
  Returns  {'ok'}   {'full', trainings there}   {'absent'}   {'ended'} somebody cancelled it   {'lost'} not the runner
  Swift    ClusterState.sendJob(_:to:session:_:)
]]
local function job_send(keys, args)
    local prefix, session, id, instance, limit = keys[1], args[1], args[2], args[3], tonumber(args[4])
    local right = job_right(prefix, session, id, lease_now(prefix))
    if right ~= 'own' then return { right } end
    local there = trainings_at(prefix, instance, id)
    if limit > 0 and there >= limit then return { 'full', text(there) } end
    local key = job_key(prefix, id)
    redis.call('HSET', prefix .. 'jobs-placed', id, instance)
    redis.call('HSET', key, 'status', 'running', 'phase', 'sending', 'instance', instance, unpack(args, 5))
    redis.call('HSETNX', key, 'started_at', text(now_ms()))
    record_event(prefix, replica_of(session), 'job_sent', id, '0', instance)
    return { 'ok' }
end
publish('job_send', job_send, BOUNDED)

--[[
  Note how a job goes on.

  KEYS[1]  prefix
  ARGV[1]  session
  ARGV[2]  id     of the job
  ARGV[3]  phase  'preparing' | 'watching' | 'finding', or '' as it is
  ARGV[4]… field, value, …  of the job; an empty value removes the field
  Returns  {'ok', what was asked about cancelling: '' or 'requested'}   {'absent'}   {'ended'}   {'lost'}
  Swift    ClusterState.noteJob(_:phase:session:_:)
]]
local function job_note(keys, args)
    local prefix, session, id, phase = keys[1], args[1], args[2], args[3]
    local clock = lease_now(prefix)
    local right = job_right(prefix, session, id, clock)
    if right ~= 'own' then return { right } end
    local key = job_key(prefix, id)
    write_fields(key, { unpack(args, 4) })
    if phase ~= '' then redis.call('HSET', key, 'phase', phase) end
    if phase == 'finding' then
        redis.call('HSET', key, 'maybe_started', 'true')
        redis.call('HSETNX', key, 'finding_since', text(clock))
    elseif phase == 'preparing' then
        redis.call('HSET', key, 'status', 'queued')
        redis.call('HDEL', prefix .. 'jobs-placed', id)
    elseif phase == 'watching' then
        redis.call('HDEL', key, 'maybe_started', 'finding_since')
    end
    return { 'ok', redis.call('HGET', key, 'cancel') or '' }
end
publish('job_note', job_note, BOUNDED)

--[[
  Give a job back: one that was not sent waits again, one that was is for any other runner to take over at once.

  KEYS[1]  prefix
  ARGV[1]  session
  ARGV[2]  id     of the job
  ARGV[3]  delay  milliseconds before a job that waits is due
  ARGV[4]… field, value, …  of the job; an empty value removes the field
  Returns  {'ok'}   {'absent'}   {'ended'}   {'lost'}
  Swift    ClusterState.releaseJob(_:after:session:_:)
]]
local function job_release(keys, args)
    local prefix, session, id = keys[1], args[1], args[2]
    local clock = lease_now(prefix)
    local right = job_right(prefix, session, id, clock)
    if right ~= 'own' then return { right } end
    local key = job_key(prefix, id)
    write_fields(key, { unpack(args, 4) })
    if redis.call('HGET', key, 'status') == 'queued' then
        redis.call('HSET', key, 'phase', 'waiting')
        redis.call('HDEL', prefix .. 'jobs-held', id)
        redis.call('ZADD', prefix .. 'jobs-waiting', text(clock + tonumber(args[3])), id)
    else
        redis.call('HSET', prefix .. 'jobs-held', id, '')
    end
    redis.call('HDEL', key, 'runner')
    return { 'ok' }
end
publish('job_release', job_release, BOUNDED)

--[[
  End a job.

  KEYS[1]  prefix
  ARGV[1]  session
  ARGV[2]  id      of the job
  ARGV[3]  status  'succeeded' | 'failed' | 'cancelled' | 'interrupted'
  ARGV[4]  detail  for the events
  ARGV[5]… field, value, …  of the job; an empty value removes the field
  Returns  {'ok'}   {'absent'}   {'ended'}   {'lost'}
  Swift    ClusterState.endJob(_:_:detail:session:_:)
]]
local function job_end(keys, args)
    local prefix, session, id = keys[1], args[1], args[2]
    local right = job_right(prefix, session, id, lease_now(prefix))
    if right ~= 'own' then return { right } end
    write_fields(job_key(prefix, id), { unpack(args, 5) })
    finish_job(prefix, id, args[3], replica_of(session), args[4])
    return { 'ok' }
end
publish('job_end', job_end, BOUNDED)

--[[
  Cancel a job: at once when no trainer was asked yet, else its runner is told to ask the trainer.

  KEYS[1]  prefix
  ARGV[1]  id     of the job
  ARGV[2]  actor  who asks, for the events
  Returns  {'absent'}   {'cancelled' | 'requested' | 'ended', {field, value, …}}
  Swift    ClusterState.cancelJob(_:by:)
]]
local function job_cancel(keys, args)
    local prefix, id = keys[1], args[1]
    local key = job_key(prefix, id)
    local stored, reply = redis.call('HMGET', key, 'status', 'phase'), 'requested'
    if not stored[1] then return { 'absent' } end
    if not stored[2] then
        reply = 'ended'
    elseif stored[1] == 'queued' then
        finish_job(prefix, id, 'cancelled', args[2], 'before any trainer was asked')
        reply = 'cancelled'
    elseif redis.call('HSETNX', key, 'cancel', 'requested') == 1 then
        record_event(prefix, args[2], 'job_cancel_requested', id, '0')
        signal(prefix, 'job_cancel', id)
    end
    return { reply, redis.call('HGETALL', key) }
end
publish('job_cancel', job_cancel, BOUNDED)

--[[
  A page of jobs, the newest first.

  KEYS[1]  prefix
  ARGV[1]  after       id of the last job seen, or ''
  ARGV[2]  count_max   jobs in a reply
  ARGV[3]  status      '' any
  ARGV[4]  model_type  '' any
  Returns  {next, {id, {field, value, …}}, …}   next: the id to go on after, '' at the end; a page may be empty and
           have a next when nothing in it was wanted
           {'absent'}  there is no job `after`
  Swift    ClusterState.jobs(after:limit:status:modelType:)
]]
local function job_list(keys, args)
    local prefix, count = keys[1], tonumber(args[2])
    local start = 0
    if args[1] ~= '' then
        local rank = redis.call('ZREVRANK', prefix .. 'jobs', args[1])
        if not rank then return { 'absent' } end
        start = rank + 1
    end
    local ids = redis.call('ZREVRANGE', prefix .. 'jobs', start, start + JOBS_LOOKED_AT_A_CALL - 1)
    local reply, seen = { '' }, 0
    for _, id in ipairs(ids) do
        if #reply > count then break end
        seen = seen + 1
        local stored = redis.call('HMGET', job_key(prefix, id), 'status', 'model_type')
        local fits = (args[3] == '' or stored[1] == args[3]) and (args[4] == '' or stored[2] == args[4])
        if stored[1] and fits then reply[#reply + 1] = { id, redis.call('HGETALL', job_key(prefix, id)) } end
    end
    local is_end = seen == #ids and #ids < JOBS_LOOKED_AT_A_CALL
    reply[1] = not is_end and ids[seen] or ''
    return reply
end
publish('job_list', job_list, { 'no-writes' })
