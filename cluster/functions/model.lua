-- Models: which versions there are, which of them the names of a model type mean, and how traffic is split.
-- A version comes to be when a service is registered with it, and takes no traffic by that. What the hash says of a
-- version is the exception (`state:<v>`: loading, failed, draining, retired); without one it is ready while an
-- undrained service offers it.

-- So many switches can be taken back.
local HISTORY_MAX = 20
local ENDED_ROLLOUTS = { succeeded = true, rolled_back = true, superseded = true }

-- The hash of a model type as a table; empty when there is none.
local function read_model(prefix, type)
    local stored = redis.call('HGETALL', prefix .. 'model:' .. type)
    local model = {}
    for i = 1, #stored, 2 do model[stored[i]] = stored[i + 1] end
    return model
end

local function count_offer(offers, version, is_draining)
    local offer = offers[version] or { services = 0, undrained = 0 }
    offer.services = offer.services + 1
    if not is_draining then offer.undrained = offer.undrained + 1 end
    offers[version] = offer
end

-- Per version how many services offer it and how many of them are not draining; and the version registered first.
-- A service offers the version that it is registered with, and those that it was told to load.
local function offers_of(prefix, type)
    local offers, oldest, oldest_epoch, draining = {}, nil, nil, {}
    for _, id in ipairs(redis.call('ZRANGE', prefix .. 'services', 0, -1)) do
        local stored = redis.call('HMGET', prefix .. 'service:' .. id,
            'model_type', 'model_version', 'kind', 'draining', 'registered_epoch')
        if stored[1] == type and (stored[3] or 'model') == 'model' then
            local version, epoch = stored[2] or 'default', tonumber(stored[5] or '0')
            draining[id] = { version = version, is_draining = stored[4] == 'true' }
            count_offer(offers, version, stored[4] == 'true')
            if not oldest or epoch < oldest_epoch then oldest, oldest_epoch = version, epoch end
        end
    end
    for field, hosts in pairs(read_model(prefix, type)) do
        local version = string.match(field, '^hosts:(.+)$')
        for id in string.gmatch(version and hosts or '', '[^,]+') do
            local host = draining[id]
            if host and host.version ~= version then count_offer(offers, version, host.is_draining) end
        end
    end
    return offers, oldest
end

local function is_known_version(model, offers, version)
    return offers[version] ~= nil or model['state:' .. version] ~= nil or model['since:' .. version] ~= nil
        or model['verdict:' .. version] ~= nil
end

local function state_of(model, offers, version)
    local stored, offer = model['state:' .. version], offers[version]
    if stored then return stored end
    if not offer then return 'registered' end
    return offer.undrained > 0 and 'ready' or 'draining'
end

-- {'v1', 90, 'v2', 10} of 'v1=90,v2=10'.
local function split_pairs(split)
    local pairs_found = {}
    for version, share in string.gmatch(split or '', '([^=,]+)=(%d+)') do
        pairs_found[#pairs_found + 1] = version
        pairs_found[#pairs_found + 1] = tonumber(share)
    end
    return pairs_found
end

local function is_rolling(model)
    return model['rollout:state'] ~= nil and not ENDED_ROLLOUTS[model['rollout:state']]
end

-- What holds a version in use: 'latest', 'traffic', 'shadow', 'rollout', 'alias NAME'; nil when nothing does.
local function user_of(model, latest, version)
    if latest == version then return 'latest' end
    local split = split_pairs(model.split)
    for i = 1, #split, 2 do
        if split[i] == version and split[i + 1] > 0 then return 'traffic' end
    end
    if string.match(model.shadow or '', '^([^=]+)=') == version then return 'shadow' end
    if is_rolling(model) and (model['rollout:to'] == version or model['rollout:from'] == version) then
        return 'rollout'
    end
    local aliases = {}
    for field, target in pairs(model) do
        if target == version and string.sub(field, 1, 6) == 'alias:' then aliases[#aliases + 1] = field end
    end
    table.sort(aliases)
    return aliases[1] and 'alias ' .. string.sub(aliases[1], 7)
end

-- Writes the fields under a new epoch; an empty value removes a field. Returns the reply of the function that did it.
local function change_model(prefix, type, floor, changes)
    local meta, key = open_meta(prefix), prefix .. 'model:' .. type
    local before, epoch = redis.call('HGET', key, 'epoch'), next_epoch(meta, floor)
    write_fields(key, changes)
    redis.call('HSET', key, 'epoch', text(epoch))
    redis.call('ZREM', prefix .. 'tombstones', 'model:' .. type)
    redis.call('ZADD', prefix .. 'models', text(epoch), type)
    count_change(meta, before, epoch)
    local record = redis.call('HGETALL', key)
    return { 'changed', text(epoch), commit(prefix, meta, epoch, 'model', type, epoch, record), record }
end

local function add(changes, ...)
    for _, word in ipairs({ ... }) do changes[#changes + 1] = word end
    return changes
end

-- A running rollout that somebody's own order overtakes is over.
local function supersede(model, changes)
    if is_rolling(model) then add(changes, 'rollout:state', 'superseded', 'rollout:reason', 'overtaken by an order') end
    return changes
end

-- The changes that make a version the latest and remember the one before.
local function pointing_at(model, latest, version)
    local history = {}
    for one in string.gmatch(model.history or '', '[^,]+') do history[#history + 1] = one end
    if latest ~= version then history[#history + 1] = latest end
    while #history > HISTORY_MAX do table.remove(history, 1) end
    local shadow = string.match(model.shadow or '', '^([^=]+)=') == version and '' or model.shadow or ''
    return { 'latest', version, 'history', table.concat(history, ','), 'split', '', 'shadow', shadow,
        'state:' .. version, '', 'until:' .. version, '', 'since:' .. version, text(now_ms()) }
end

-- From here on the counts of the model type are counted anew: what is measured from now on is after the mark.
local function mark_counts(prefix, type)
    local key = prefix .. 'traffic:' .. type
    local stored = redis.call('HGETALL', key)
    for i = 1, #stored, 2 do
        if string.sub(stored[i], 1, 4) == 'sum:' then
            redis.call('HSET', key, 'mark:' .. string.sub(stored[i], 5), stored[i + 1])
        end
    end
end

-- What was compared of a shadow before is compared anew.
local function forget_shadow(prefix, type, version)
    local key, before = prefix .. 'traffic:' .. type, 'shadow:' .. version .. ':'
    for _, field in ipairs(redis.call('HKEYS', key)) do
        if string.sub(field, 1, #before) == before then redis.call('HDEL', key, field) end
    end
end

local function share_text(from, to, share)
    if share >= 100 then return to .. '=100' end
    return from .. '=' .. (100 - share) .. ',' .. to .. '=' .. share
end

local function step_share(model_steps, step)
    local place = 0
    for share in string.gmatch(model_steps or '', '%d+') do
        place = place + 1
        if place == step then return tonumber(share) end
    end
end

-- Why a version cannot be switched to, as the reply that says so; nil when it can. `forced` overlooks its state.
local function refusal(model, offers, version, forced)
    if not is_known_version(model, offers, version) then return { 'unknown', version } end
    local state = state_of(model, offers, version)
    if not forced and state ~= 'ready' then return { 'not_ready', state, version } end
end

-- The reply that says that a switch needs a passed test of the version; nil when it has one, or none is demanded. What
-- the order itself demands cannot be forced away, what the model type always demands can.
local function lacks_verdict(model, version, demanded, forced)
    local must = demanded or (model.require_evaluation == 'true' and not forced)
    local verdict = model['verdict:' .. version]
    if must and verdict ~= 'passed' then return { 'unevaluated', verdict or 'none' } end
end

--[[
  Make a version the latest of its model type, at once or as a canary in steps.

  Why one function: two operators may switch at once, and `expected` must be compared with what is replaced. At once
  ends any split and any rollout; a canary begins with the share of its first step and leaves the latest where it is.
  Shares that somebody set by hand it replaces only when it is forced to.

  KEYS[1]  prefix
  ARGV[1]  type      model type
  ARGV[2]  floor     highest epoch the caller has seen
  ARGV[3]  actor     who asks, for the events
  ARGV[4]  version   the version to switch to
  ARGV[5]  expected  '' anything, else the version that must be the latest now
  ARGV[6]  force     '1' overlook that the version is not ready, and let a canary replace a split
  ARGV[7]  steps     '' at once, else the canary's percentages, such as '1,10,50,100'
  ARGV[8]  interval  milliseconds of a step
  ARGV[9]  max_error_rate     share of failed requests above which the canary is rolled back
  ARGV[10] max_latency_ratio  '' none, else how many times slower than the present version it may be
  ARGV[11] require_evaluation '1' only if the last test of the version was passed
  Returns  {'changed', epoch, epoch before, {field, value, …}}   {'same', epoch of the model}   {'absent'}
           {'unexpected', latest}   {'unknown', version}   {'not_ready', state, version}   {'rolling', version}
           {'unevaluated', 'none' | 'failed'}   {'split', the shares}
  Swift    ClusterState.switchModel(_:to:floor:by:)
]]
local function model_switch(keys, args)
    local prefix, type, version, steps = keys[1], args[1], args[4], args[7]
    local model = read_model(prefix, type)
    local offers, oldest = offers_of(prefix, type)
    local latest = model.latest or oldest
    if not latest then return { 'absent' } end
    if args[5] ~= '' and args[5] ~= latest then return { 'unexpected', latest } end
    local refused = refusal(model, offers, version, args[6] == '1')
        or latest ~= version and lacks_verdict(model, version, args[11] == '1', args[6] == '1')
    if refused then return refused end
    if steps == '' then
        if model.latest == version and not model.split and not is_rolling(model) then return { 'same', model.epoch } end
        local reply = change_model(prefix, type, args[2], supersede(model, pointing_at(model, latest, version)))
        record_event(prefix, args[3], 'switched', type, reply[2], latest .. ' to ' .. version)
        return reply
    end
    if is_rolling(model) then return { 'rolling', model['rollout:to'] } end
    if latest == version then return { 'same', model.epoch or text(open_meta(prefix).epoch) } end
    if model.split and args[6] ~= '1' then return { 'split', model.split } end
    mark_counts(prefix, type)
    local reply = change_model(prefix, type, args[2], {
        'split', share_text(latest, version, step_share(steps, 1)), 'since:' .. version, text(now_ms()),
        'state:' .. version, '', 'rollout:to', version, 'rollout:from', latest, 'rollout:steps', steps,
        'rollout:step', '1', 'rollout:interval', args[8], 'rollout:max_error_rate', args[9],
        'rollout:max_latency_ratio', args[10], 'rollout:state', 'running', 'rollout:reason', '',
        'rollout:began', text(now_ms()), 'rollout:step_began', text(lease_now(prefix)),
    })
    record_event(prefix, args[3], 'rollout_began', type, reply[2], latest .. ' to ' .. version .. ' by ' .. steps)
    return reply
end
publish('model_switch', model_switch)

--[[
  Go back: a running rollout is undone; otherwise the version before the latest becomes the latest again.

  KEYS[1]  prefix
  ARGV[1]  type      model type
  ARGV[2]  floor     highest epoch the caller has seen
  ARGV[3]  actor     who asks, for the events
  ARGV[4]  expected  '' anything, else the version that must be the latest now
  ARGV[5]  force     '1' overlook that the version before is not ready
  Returns  {'changed', epoch, epoch before, {field, value, …}}   {'absent'}   {'unexpected', latest}
           {'no_history'}   {'unknown', version}   {'not_ready', state, version}
  Swift    ClusterState.rollBackModel(_:expecting:force:floor:by:)
]]
local function model_rollback(keys, args)
    local prefix, type = keys[1], args[1]
    local model = read_model(prefix, type)
    local offers, oldest = offers_of(prefix, type)
    local latest = model.latest or oldest
    if not latest then return { 'absent' } end
    if args[4] ~= '' and args[4] ~= latest then return { 'unexpected', latest } end
    local changes, detail
    if is_rolling(model) and model['rollout:state'] == 'running' then
        changes = { 'split', '', 'rollout:state', 'rolled_back', 'rollout:reason', 'by ' .. args[3] }
        detail = model['rollout:to'] .. ' to ' .. latest
    else
        local rest, before = string.match(',' .. (model.history or ''), '^(.*),([^,]+)$')
        if not before then return { 'no_history' } end
        local refused = refusal(model, offers, before, args[5] == '1')
        if refused then return refused end
        changes = supersede(model, pointing_at(model, latest, before))
        add(changes, 'history', string.gsub(rest, '^,', ''), nil)
        detail = latest .. ' to ' .. before
    end
    local reply = change_model(prefix, type, args[2], changes)
    record_event(prefix, args[3], 'rolled_back', type, reply[2], detail)
    return reply
end
publish('model_rollback', model_rollback)

--[[
  Point an alias at a version, or take it away. `latest` is none: it moves by a switch alone.

  KEYS[1]  prefix
  ARGV[1]  type     model type
  ARGV[2]  floor    highest epoch the caller has seen
  ARGV[3]  actor    who asks, for the events
  ARGV[4]  alias
  ARGV[5]  version  '' take the alias away
  Returns  {'changed', epoch, epoch before, {field, value, …}}   {'same', epoch of the model}   {'absent'}
           {'unknown', version}   {'not_ready', state, version}   {'no_alias'}   {'is_version'} the alias is a version's name
  Swift    ClusterState.pointAlias(_:of:at:floor:by:)
]]
local function model_alias(keys, args)
    local prefix, type, alias, version = keys[1], args[1], args[4], args[5]
    local model = read_model(prefix, type)
    local offers, oldest = offers_of(prefix, type)
    if not (model.latest or oldest) then return { 'absent' } end
    local before = model['alias:' .. alias]
    if version == '' then
        if not before then return { 'no_alias' } end
    else
        if is_known_version(model, offers, alias) then return { 'is_version' } end
        if not is_known_version(model, offers, version) then return { 'unknown', version } end
        local state = state_of(model, offers, version)
        if state == 'retired' then return { 'not_ready', state, version } end
        if before == version then return { 'same', model.epoch } end
    end
    local reply = change_model(prefix, type, args[2], { 'alias:' .. alias, version })
    local detail = version == '' and alias .. ' removed' or alias .. ' to ' .. version
    record_event(prefix, args[3], 'alias_moved', type, reply[2], detail)
    return reply
end
publish('model_alias', model_alias)

--[[
  Split the traffic of a model type that names no version, and say which version gets copies of it.

  KEYS[1]  prefix
  ARGV[1]  type   model type
  ARGV[2]  floor  highest epoch the caller has seen
  ARGV[3]  actor  who asks, for the events
  ARGV[4]  split  percentages that add up to 100, such as 'v1=90,v2=10'; '' all to the latest again
  ARGV[5]  shadow  '' none, else a version, the percentage of requests copied to it, and the member of answers that is
                   compared, such as 'v3=25 prediction'
  Returns  {'changed', epoch, epoch before, {field, value, …}}   {'same', epoch of the model}   {'absent'}
           {'unknown', version}   {'not_ready', state, version}   {'rolling', version}
  Swift    ClusterState.splitTraffic(of:_:shadow:floor:by:)
]]
local function model_traffic(keys, args)
    local prefix, type, split, shadow = keys[1], args[1], args[4], args[5]
    local model = read_model(prefix, type)
    local offers, oldest = offers_of(prefix, type)
    local latest = model.latest or oldest
    if not latest then return { 'absent' } end
    if is_rolling(model) then return { 'rolling', model['rollout:to'] } end
    local shares = split_pairs(split)
    for i = 1, #shares, 2 do
        local refused = refusal(model, offers, shares[i], shares[i + 1] == 0)
        if refused then return refused end
    end
    local copied_to = string.match(shadow, '^([^=]+)=')
    local refused = copied_to and refusal(model, offers, copied_to, false)
    if refused then return refused end
    if split == latest .. '=100' then split = '' end
    if (model.split or '') == split and (model.shadow or '') == shadow then
        return { 'same', model.epoch or text(open_meta(prefix).epoch) }
    end
    if copied_to and model.shadow ~= shadow then forget_shadow(prefix, type, copied_to) end
    local reply = change_model(prefix, type, args[2], { 'split', split, 'shadow', shadow })
    record_event(prefix, args[3], 'traffic_split', type, reply[2], (split == '' and 'all to latest' or split) ..
        (shadow == '' and '' or ', copies to ' .. shadow))
    return reply
end
publish('model_traffic', model_traffic)

--[[
  Let switches of a model type demand a passed test of the version, or no longer.

  KEYS[1]  prefix
  ARGV[1]  type    model type
  ARGV[2]  floor   highest epoch the caller has seen
  ARGV[3]  actor   who asks, for the events
  ARGV[4]  demand  'true' | ''
  Returns  {'changed', epoch, epoch before, {field, value, …}}   {'same', epoch of the model}   {'absent'}
  Swift    ClusterState.requireEvaluation(of:_:floor:by:)
]]
local function model_require(keys, args)
    local prefix, type, demand = keys[1], args[1], args[4]
    local model = read_model(prefix, type)
    local _, oldest = offers_of(prefix, type)
    if not (model.latest or oldest) then return { 'absent' } end
    if (model.require_evaluation or '') == demand then
        return { 'same', model.epoch or text(open_meta(prefix).epoch) }
    end
    local reply = change_model(prefix, type, args[2], { 'require_evaluation', demand })
    record_event(prefix, args[3], 'evaluation_required', type, reply[2], demand == '' and 'no' or 'yes')
    return reply
end
publish('model_require', model_require)

-- How many services a deployment's order names, and how many outcomes there are; 0 and 0 without one.
local function deployment_progress(model, version)
    local order = model['deploy:' .. version]
    if not order then return 0, 0 end
    local _, outcomes = string.gsub(model['deployed:' .. version] or '', '[^;]+', '')
    return #cjson.decode(order).services, outcomes
end

--[[
  Begin to retire a version: it gets no new requests from now on. Refused while something points at it.

  KEYS[1]  prefix
  ARGV[1]  type     model type
  ARGV[2]  floor    highest epoch the caller has seen
  ARGV[3]  actor    who asks, for the events
  ARGV[4]  version
  ARGV[5]  timeout  milliseconds after which its last requests are waited for no longer
  Returns  {'changed', epoch, epoch before, {field, value, …}}   {'same', epoch of the model}   {'absent'}
           {'unknown', version}   {'in_use', by what, state}   {'not_retirable', state}   it is being deployed
  Swift    ClusterState.retireVersion(_:of:timeout:floor:by:)
]]
local function model_retire(keys, args)
    local prefix, type, version = keys[1], args[1], args[4]
    local model = read_model(prefix, type)
    local offers, oldest = offers_of(prefix, type)
    local latest = model.latest or oldest
    if not latest then return { 'absent' } end
    if not is_known_version(model, offers, version) then return { 'unknown', version } end
    local stored = model['state:' .. version]
    if stored == 'draining' or stored == 'retired' then return { 'same', model.epoch } end
    local user = user_of(model, latest, version)
    if user then
        local is_serving = user == 'latest' or user == 'traffic'
        return { 'in_use', user, is_serving and 'serving' or state_of(model, offers, version) }
    end
    local ordered, outcomes = deployment_progress(model, version)
    if outcomes < ordered then return { 'not_retirable', 'loading' } end
    local reply = change_model(prefix, type, args[2], {
        'state:' .. version, 'draining', 'since:' .. version, text(now_ms()),
        'until:' .. version, text(lease_now(prefix) + tonumber(args[5])), 'why:' .. version, '',
    })
    record_event(prefix, args[3], 'retiring', type, reply[2], version)
    return reply
end
publish('model_retire', model_retire)

--[[
  Move a version from one state to the next, provided that it is still in the first.

  KEYS[1]  prefix
  ARGV[1]  term     of the leader that writes, '0' for nobody's
  ARGV[2]  type     model type
  ARGV[3]  floor    highest epoch the caller has seen
  ARGV[4]  actor    who asks, for the events
  ARGV[5]  version
  ARGV[6]  from     the state it must have
  ARGV[7]  to       loading, failed, draining, retired; 'ready' takes the exception away
  ARGV[8]  why      for people
  Returns  {'changed', epoch, epoch before, {field, value, …}}   {'fenced'}   {'unexpected', state}
  Swift    ClusterState.markVersion(_:of:from:to:why:term:floor:by:)
]]
local function model_mark(keys, args)
    local prefix, type, version, to = keys[1], args[2], args[5], args[7]
    if not fence(prefix, args[1]) then return { 'fenced' } end
    local model = read_model(prefix, type)
    local state = state_of(model, (offers_of(prefix, type)), version)
    if state ~= args[6] then return { 'unexpected', state } end
    local reply = change_model(prefix, type, args[3], {
        'state:' .. version, to == 'ready' and '' or to, 'since:' .. version, text(now_ms()), 'until:' .. version, '',
        'why:' .. version, args[8], 'hosts:' .. version, to == 'retired' and '' or model['hosts:' .. version] or '',
    })
    record_event(prefix, args[4], to == 'retired' and 'retired' or 'version_' .. to, type, reply[2],
        version .. (args[8] == '' and '' or ': ' .. args[8]))
    return reply
end
publish('model_mark', model_mark, BOUNDED)

--[[
  Note that a service has a version beside the one that it is registered with: what it trained, and says is ready.

  KEYS[1]  prefix
  ARGV[1]  type     model type
  ARGV[2]  floor    highest epoch the caller has seen
  ARGV[3]  actor    who asks, for the events
  ARGV[4]  version
  ARGV[5]  service  of the model type
  Returns  {'changed', epoch, epoch before, {field, value, …}}   {'same', epoch of the model}
           {'absent'}   no such service of the model type
           {'not_deployable', state}   it drains or is retired
  Swift    ClusterState.offerVersion(_:of:at:floor:by:)
]]
local function model_offer(keys, args)
    local prefix, type, version, id = keys[1], args[1], args[4], args[5]
    if redis.call('HGET', prefix .. 'service:' .. id, 'model_type') ~= type then return { 'absent' } end
    local model = read_model(prefix, type)
    local state = model['state:' .. version]
    if state == 'draining' or state == 'retired' then return { 'not_deployable', state } end
    local hosts = model['hosts:' .. version] or ''
    if string.find(',' .. hosts .. ',', ',' .. id .. ',', 1, true) then return { 'same', model.epoch } end
    local changes = { 'hosts:' .. version, hosts == '' and id or hosts .. ',' .. id }
    if state == 'failed' then add(changes, 'state:' .. version, '', 'why:' .. version, '') end
    local reply = change_model(prefix, type, args[2], changes)
    record_event(prefix, args[3], 'offered', type, reply[2], version .. ' at ' .. id)
    return reply
end
publish('model_offer', model_offer)

-- What a version that some service has was made of, if the order says something else; nil when it does not. A version
-- that nobody loaded, or that is retired, can be made of anything.
local function other_artifact(model, version, order)
    local state, before = model['state:' .. version], model['deploy:' .. version]
    if not before or state == 'retired' or state == 'failed' then return nil end
    if not string.find(';' .. (model['deployed:' .. version] or ''), '=loaded', 1, true) then return nil end
    local made_of, wanted = cjson.decode(before).artifact, cjson.decode(order).artifact
    return wanted and made_of and wanted ~= made_of and made_of or nil
end

--[[
  Order a version to be brought to services; the leader carries it out. A version that nothing offers is `loading`
  meanwhile; one that services offer already goes on serving.

  KEYS[1]  prefix
  ARGV[1]  type     model type
  ARGV[2]  floor    highest epoch the caller has seen
  ARGV[3]  actor    who asks, for the events
  ARGV[4]  version
  ARGV[5]  order    JSON: services (their ids), artifact, parameters
  Returns  {'changed', epoch, epoch before, {field, value, …}}   {'same', epoch of the model}   {'absent'}
           {'not_deployable', state}   {'other_artifact', artifact that the version was made of}
  Swift    ClusterState.deployVersion(_:of:_:floor:by:)
]]
local function model_deploy(keys, args)
    local prefix, type, version, order = keys[1], args[1], args[4], args[5]
    local model = read_model(prefix, type)
    local offers, oldest = offers_of(prefix, type)
    if not (model.latest or oldest) then return { 'absent' } end
    local ordered, outcomes = deployment_progress(model, version)
    if outcomes < ordered then
        if model['deploy:' .. version] == order then return { 'same', model.epoch } end
        return { 'not_deployable', 'loading' }
    end
    local stored = model['state:' .. version]
    if stored == 'draining' then return { 'not_deployable', stored } end
    local other = other_artifact(model, version, order)
    if other then return { 'other_artifact', other } end
    local changes = { 'deploy:' .. version, order, 'deployed:' .. version, '', 'why:' .. version, '' }
    local offer = offers[version]
    if stored or not offer or offer.undrained == 0 then
        add(changes, 'state:' .. version, 'loading', 'since:' .. version, text(now_ms()), 'until:' .. version, '')
    end
    local reply = change_model(prefix, type, args[2], changes)
    record_event(prefix, args[3], 'deploying', type, reply[2], version)
    return reply
end
publish('model_deploy', model_deploy)

-- The state that a version has when the last service has been asked; '' when services decide.
local function state_after(deployed)
    return string.find(';' .. deployed, '=loaded', 1, true) and '' or 'failed'
end

--[[
  Note what became of a deployment at one service. After the last one the version is ready, if any service has it, or
  failed.

  KEYS[1]  prefix
  ARGV[1]  term     of the leader that writes
  ARGV[2]  type     model type
  ARGV[3]  floor    highest epoch the caller has seen
  ARGV[4]  actor    who asks, for the events
  ARGV[5]  version
  ARGV[6]  order    that was carried out; another one may be in force by now
  ARGV[7]  service
  ARGV[8]  outcome  loaded, skipped, failed
  ARGV[9]  reason   for people, without semicolons
  Returns  {'changed', epoch, epoch before, {field, value, …}}   {'fenced'}   {'stale'}
  Swift    ClusterState.noteDeployment(of:type:order:at:_:term:floor:by:)
]]
local function deployment_note(keys, args)
    local prefix, type, version, id = keys[1], args[2], args[5], args[7]
    if not fence(prefix, args[1]) then return { 'fenced' } end
    local model = read_model(prefix, type)
    local deployed = model['deployed:' .. version] or ''
    local is_noted = string.find(';' .. deployed, ';' .. id .. '=', 1, true)
    if model['deploy:' .. version] ~= args[6] or is_noted then return { 'stale' } end
    local outcome = id .. '=' .. args[8] .. (args[9] == '' and '' or ' ' .. args[9])
    deployed = deployed == '' and outcome or deployed .. ';' .. outcome
    local changes = { 'deployed:' .. version, deployed }
    local hosts = model['hosts:' .. version] or ''
    if args[8] == 'loaded' and not string.find(',' .. hosts .. ',', ',' .. id .. ',', 1, true) then
        add(changes, 'hosts:' .. version, hosts == '' and id or hosts .. ',' .. id)
    end
    model['deployed:' .. version] = deployed
    local ordered, outcomes = deployment_progress(model, version)
    local is_last = outcomes >= ordered
    if is_last and model['state:' .. version] == 'loading' then
        add(changes, 'state:' .. version, state_after(deployed), 'since:' .. version, text(now_ms()),
            'why:' .. version, string.gsub(deployed, ';', '; '), nil)
    end
    local reply = change_model(prefix, type, args[3], changes)
    record_event(prefix, args[4], 'deployment_' .. args[8], type, reply[2], version .. ' at ' .. id .. ' ' .. args[9])
    if is_last then record_event(prefix, args[4], 'deployed', type, reply[2], version .. ': ' .. deployed) end
    return reply
end
publish('deployment_note', deployment_note, BOUNDED)

-- The changes that an outcome of a rollout's present step means.
local function step_changes(prefix, type, model, outcome, detail)
    local from, to = model['rollout:from'], model['rollout:to']
    if outcome == 'undo' then
        return { 'split', '', 'rollout:state', 'rolled_back', 'rollout:reason', detail }, 'rolled_back'
    elseif outcome == 'settle' then
        local changes = pointing_at(model, from, to)
        return add(changes, 'rollout:state', 'settling', 'rollout:reason', detail), 'switched'
    elseif outcome == 'done' then
        return { 'rollout:state', 'succeeded' }, 'rollout_succeeded'
    end
    local step = tonumber(model['rollout:step']) + 1
    mark_counts(prefix, type)
    return { 'rollout:step', text(step), 'rollout:step_began', text(lease_now(prefix)), 'rollout:reason', detail,
        'split', share_text(from, to, step_share(model['rollout:steps'], step) or 100) }, 'rollout_advanced'
end

--[[
  Carry a rollout on, provided that it stands where the leader saw it.

  KEYS[1]  prefix
  ARGV[1]  term     of the leader that writes
  ARGV[2]  type     model type
  ARGV[3]  floor    highest epoch the caller has seen
  ARGV[4]  actor    who asks, for the events
  ARGV[5]  step     the step it must be at
  ARGV[6]  state    the state it must be in: running, settling
  ARGV[7]  outcome  advance, settle (it becomes the latest), done (every replica knows), undo
  ARGV[8]  detail   the numbers, for the events
  Returns  {'changed', epoch, epoch before, {field, value, …}}   {'fenced'}   {'stale'}
  Swift    ClusterState.carryOnRollout(of:step:state:_:detail:term:floor:by:)
]]
local function rollout_step(keys, args)
    local prefix, type = keys[1], args[2]
    if not fence(prefix, args[1]) then return { 'fenced' } end
    local model = read_model(prefix, type)
    if model['rollout:step'] ~= args[5] or model['rollout:state'] ~= args[6] then return { 'stale' } end
    local changes, kind = step_changes(prefix, type, model, args[7], args[8])
    local reply = change_model(prefix, type, args[3], changes)
    record_event(prefix, args[4], kind, type, reply[2], model['rollout:to'] .. ' ' .. args[8])
    return reply
end
publish('rollout_step', rollout_step, BOUNDED)
