internal import RedisClient

extension ClusterState {
    /// Takes the next tickets of pools, so many of each, in one call of at most `ticketPoolsMax` pools.
    ///
    /// - Returns: The first ticket of each block, in the order of the pools.
    public func ticketBlocks(_ wanted: [(pool: String, count: Int)]) async throws(StateError) -> [Int64] {
        precondition(wanted.count <= Self.ticketPoolsMax, "\(wanted.count) pools in one call")
        let arguments = wanted.flatMap { [RedisWord($0.pool), RedisWord(Int64($0.count))] }
        var reply = try await self.call("ticket_block", arguments)
        let firsts = reply.rest().compactMap(\.integer)
        guard firsts.count == wanted.count else {
            throw StateError(.unreadable, "ticket_block gave \(firsts.count) blocks for \(wanted.count) pools")
        }
        return firsts
    }

    public static let ticketPoolsMax = 128
}
