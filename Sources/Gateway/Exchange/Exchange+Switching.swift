internal import Decisions
internal import Registry

/// A request that outlives a switch: what it still sends goes where a new request would go.
extension Exchange {
    /// Plans the request anew when the registry has changed since it was planned. What is named explicitly stays where
    /// it was; `latest` and aliases may have moved, and then no instance of the new pool has been tried yet.
    func followSwitch() {
        guard self.plannedBy != self.plane.tableSerial, !self.options.isCopy, let old = self.pool else { return }
        self.plannedBy = self.plane.tableSerial
        let (table, hashKey, capability) = (self.plane.table, self.options.hashKey, self.capability)
        let planned =
            if let order = self.order {
                try? RequestPlan.pool(of: order.modelType, order.version, capability, hashKey: hashKey, in: table)
            } else {
                try? self.image.withBody { body throws(Refusal) in
                    try RequestPlan.pool(for: body, capability, hashKey: hashKey, in: table)
                }
            }
        guard let planned, planned.key != old.key else { return }
        self.pool = planned
        self.tried = TriedMembers()
        self.moveMeter(to: planned)
    }
}
