internal import Registry

/// The request in the figures of its version.
extension Exchange {
    @inline(__always)
    func meter(in pool: RoutePool) {
        let lane = pool.meter.lanes[self.plane.index]
        lane.inFlight &+= 1
        self.metered = lane
        self.isFailure = nil
    }

    func moveMeter(to pool: RoutePool) {
        guard let lane = self.metered else { return }
        lane.inFlight &-= 1
        self.meter(in: pool)
    }

    func endMetering() {
        guard let lane = self.metered else { return }
        self.metered = nil
        lane.inFlight &-= 1
        guard let isFailure = self.isFailure else { return }
        lane.requests &+= 1
        if isFailure { lane.failures &+= 1 }
        lane.latencyMicroseconds &+= self.upstreamNanoseconds / 1000
    }
}
