internal import ClusterState
internal import Decisions
internal import Gateway
internal import Logging
internal import Registry
internal import Synchronization

/// The prober among others.
extension Prober {
    /// How often it looks who is on duty, and whether exclusions have run out.
    private static let lookInterval: Duration = .milliseconds(250)

    /// Follows who is on duty and what the cluster thinks, until cancelled.
    func follow(_ sharing: ProbeSharing) async {
        while !Task.isCancelled {
            let now = self.time.now()
            let (onDuty, suspicions) = (sharing.onDuty, sharing.takeSuspicions())
            self.book.withLock { book in
                book.follow(onDuty: onDuty, now: now)
                for suspicion in suspicions {
                    book.hearSuspicion(of: suspicion.instance, by: suspicion.replica, now: now)
                }
            }
            if !suspicions.isEmpty { self.wake() }
            await self.readVerdicts()
            await sharing.wait(atMost: Self.lookInterval, self.time)
        }
    }

    /// Reads what changed, and lets the data plane go by it. Out of touch, what was known grows old.
    func readVerdicts() async {
        guard let sharing = self.sharing else { return }
        let isInTouch = self.book.withLock { $0.isInTouch }
        do throws(StateError) {
            guard let news = try await sharing.read(now: self.time.now()) else {
                if !isInTouch { self.applyVerdicts() }
                return
            }
            let now = self.time.now()
            let isBack = self.book.withLock { book in
                book.take(news, now: now)
                book.review(now: now)
                return book.found()
            }
            if isBack { self.logger.info("health is shared") }
            self.applyVerdicts()
        } catch {
            self.lost(error)
            self.applyVerdicts()
        }
    }

    /// Nil when nobody could be told.
    func tell(_ errand: ProbeBook.Errand, _ result: ProbeResult) async -> FindingStatus? {
        guard let sharing = self.sharing, self.book.withLock({ $0.isInTouch }) else { return nil }
        do throws(StateError) {
            let status = try await sharing.report(errand.key, result, by: self.replica, interval: self.interval)
            if status == .changed { self.logShared(errand.key, result) }
            return status
        } catch {
            self.lost(error)
            return nil
        }
    }

    func lost(_ error: StateError) {
        let now = self.time.now()
        guard self.book.withLock({ $0.lost(now: now) }) else { return }
        self.logger.info("health is judged alone", metadata: ["mm.error": "\(error)"])
    }

    private func applyVerdicts() {
        let now = self.time.now()
        for (key, verdict) in self.book.withLock({ $0.verdicts(now: now) }) {
            self.port.setVerdict(verdict, for: key)
        }
    }

    private func logShared(_ key: InstanceKey, _ result: ProbeResult) {
        var metadata: Logger.Metadata = ["mm.service": "\(key.service)", "mm.instance": "\(key.url)"]
        if let error = result.error { metadata["mm.reason"] = "\(error)" }
        if result.finding == .well {
            self.logger.info("probes call the instance healthy", metadata: metadata)
        } else {
            self.logger.warning("probes call the instance unhealthy", metadata: metadata)
        }
    }
}
