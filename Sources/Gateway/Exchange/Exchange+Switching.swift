internal import Decisions
internal import Registry

/// A request that outlives a switch: what it still sends goes where a new request would go.
extension Exchange {
    /// Plans the request anew when the registry has changed since it was planned. What is named explicitly stays where
    /// it was; `latest` and aliases may have moved, and then no instance of the new pool has been tried yet.
    ///
    /// False: a new request would go to services of another protocol, whose words this one does not speak. It must end.
    func followSwitch() -> Bool {
        guard self.plannedBy != self.plane.tableSerial, !self.options.isCopy, let old = self.pool else { return true }
        let (table, options, capability) = (self.plane.table, self.options, self.capability)
        let planned =
            if let order = self.order {
                try? RequestPlan.pool(of: order.modelType, order.version, capability, for: options, in: table)
            } else {
                try? self.image.withBody { body throws(Refusal) in
                    try RequestPlan.pool(of: body, capability, for: options, in: table)
                }
            }
        if let planned, planned.key.capability != old.key.capability { return false }
        self.plannedBy = self.plane.tableSerial
        guard let planned, planned.key != old.key else { return true }
        self.pool = planned
        self.tried = TriedMembers()
        self.moveMeter(to: planned)
        return true
    }

    /// Ends a request that a switch has left without services of its protocol.
    func strand(now: Instant) {
        guard self.machine.attempts == 0 else { return self.run(self.machine.giveUp(), now: now) }
        let message = "the request waited, and was overtaken by a switch to services of another protocol"
        self.answer(Problem(.noHealthyService, message, retryAfter: 1))
    }
}
