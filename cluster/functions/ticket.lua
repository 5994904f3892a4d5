-- Tickets: the shared round-robin position of a pool, handed out in blocks.

-- Beyond this a cursor begins anew, long before a double loses the last digit.
local CURSOR_MAX = 4503599627370496

--[[
  Take the next tickets of pools. A cursor that somebody broke, or that grew too large, begins anew.

  KEYS[1]  prefix
  ARGV     pool, count, and so on for further pools
  Returns  {first ticket, …}  in the order of the pools
  Swift    ClusterState.ticketBlocks(_:)
]]
local function ticket_block(keys, args)
    local firsts = {}
    for i = 1, #args - 1, 2 do
        local cursor, count = keys[1] .. 'cursor:' .. args[i], tonumber(args[i + 1])
        local last = redis.pcall('INCRBY', cursor, count)
        if type(last) ~= 'number' or last > CURSOR_MAX or last < count then
            redis.call('SET', cursor, count)
            last = count
        end
        firsts[#firsts + 1] = text(last - count)
    end
    return firsts
end
publish('ticket_block', ticket_block, BOUNDED)
