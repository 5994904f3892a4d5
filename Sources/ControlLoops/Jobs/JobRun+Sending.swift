internal import ClusterState
internal import Decisions
internal import Gateway
internal import Logging
internal import NIOCore
internal import Registry

/// Nobody has the job yet: its data are fetched, a trainer is looked for, and its one request is sent.
extension JobRun {
    /// A wish to cancel waits so long for a trainer that is about to answer.
    private static let answerGrace = Duration.seconds(3)

    mutating func look() async -> JobMachine.Step? {
        if self.order == nil {
            do throws(TrainerOrder.Failure) {
                guard let order = try await TrainerOrder.make(for: self.job, desk: self.desk) else { return nil }
                self.order = order
            } catch {
                self.job.attempts += error.attempts
                return self.machine.lacksData(error.code, error.sentence)
            }
        }
        var trainers = self.desk.trainers(for: self.job)
        if let order, order.needsDataURL {
            trainers = trainers.filter(\.takesDataURL)
            let why = "the data has more than \(DataFetch.limits), and no trainer has the capability data_url"
            if trainers.isEmpty { return self.machine.lacksData(.payloadTooLarge, why) }
        }
        return self.machine.looked(trainers, now: self.desk.time.now())
    }

    mutating func send(to trainer: Trainer) async -> JobMachine.Step? {
        let (id, session, key) = (self.job.id, self.session, trainer.key)
        let changes = self.bookkeeping + (self.order?.rows.map { [.rows($0)] } ?? [])
        let step = await self.persist { state throws(StateError) in
            try await state.sendJob(id, to: key, limit: trainer.limit, session: session, changes)
        }
        switch step {
        case nil, .lost: return nil
        case .full: return self.machine.full()
        case .done, .cancelRequested: break
        }
        (self.job.service, self.job.url) = (key.service, key.url)
        guard self.desk.isTrusted(self.session), let order else { return nil }
        self.desk.logger.info("training sent", metadata: ["mm.job": "\(id)", "mm.instance": "\(key)"])
        let began = self.desk.time.now()
        let result = await self.post(order.body, to: key)
        return await self.sent(to: key, result, since: began)
    }

    private enum Sent: Sendable {
        case answered(TrainerReply)
        case silent(UpstreamFailure)
        case hungUp
        case lost
    }

    /// The request under way, and beside it the watch that ends it when the job is cancelled or lost.
    private func post(_ body: ByteBuffer, to trainer: InstanceKey) async -> Sent {
        let call = self.desk.call(trainer)
        var job = self.job
        job.round = self.machine.round
        let (key, limit) = (job.trainerKey, max(.milliseconds(1), self.machine.deadline - self.desk.time.now()))
        let (desk, id, session) = (self.desk, self.job.id, self.session)
        return await withTaskGroup(of: Sent.self) { group in
            group.addTask {
                do throws(UpstreamFailure) {
                    return .answered(try await call.order(body, key: key, within: limit))
                } catch {
                    return .silent(error)
                }
            }
            group.addTask { await Self.guardSending(id, session, desk) }
            let first = await group.next() ?? .lost
            group.cancelAll()
            return first
        }
    }

    private static func guardSending(_ id: JobID, _ session: String, _ desk: JobDesk) async -> Sent {
        let began = desk.time.now()
        while (try? await desk.time.sleep(Self.tick)) != nil {
            switch try? await desk.state.noteJob(id, phase: nil, session: session, []) {
            case .lost: return .lost
            case .cancelRequested where desk.time.now() - began >= Self.answerGrace: return .hungUp
            default: break
            }
        }
        return .lost
    }

    private mutating func sent(to key: InstanceKey, _ result: Sent, since began: Instant) async -> JobMachine.Step? {
        let now = self.desk.time.now()
        let outcome: String
        let step: JobMachine.Step
        switch result {
        case .lost: return nil
        case .hungUp:
            outcome = "hung_up"
            step = self.machine.hungUp()
        case .silent(let failure):
            outcome = failure.kind.rawValue
            step = self.machine.silent(wasSent: failure.mayHaveArrived, now: now)
        case .answered(let reply):
            outcome = "status_\(reply.status)"
            step = self.machine.answered(reply.toOrder(at: self.desk.origin(of: key)), now: now)
        }
        let milliseconds = (now - began).inNanoseconds / 1_000_000
        self.job.attempts.append(
            Problem.Attempt(service: key.service, url: key.url, outcome: outcome, milliseconds: milliseconds)
        )
        // What no trainer took must not look as if it were on its way.
        guard self.machine.state == .preparing else { return step }
        return await self.note(.preparing, []) == nil ? nil : step
    }
}
