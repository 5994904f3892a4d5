internal import Decisions
internal import Gateway
internal import NIOCore
internal import Registry

/// Introspects the server at one seed: the calls of `Introspection`, each bounded, and all of them together.
struct SeedLook: Sendable {
    let port: any DiscoveryPort
    let time: LoopTime

    static let callTimeout: Duration = .seconds(2)
    static let timeout: Duration = .seconds(15)
    static let answerBytesMax = 1024 * 1024
    /// Addresses of a name that are tried until one answers.
    static let addressesMax = 4

    enum Finding: Sendable {
        case seen([SeedSighting])
        /// Nobody there, or nobody who says what it serves; the reason is for people.
        case nothing(String)
    }

    func look(at seed: DiscoverySeed) async -> Finding {
        let deadline = self.time.now() + Self.timeout
        let addresses: [InstanceAddress]
        do throws(UpstreamFailure) {
            addresses = try await self.port.addresses(of: seed.url, within: NameSweep.lookupTimeout)
        } catch {
            return .nothing(error.detail)
        }
        let discovery = seed.discovery(of: addresses)
        for address in addresses.sorted().prefix(Self.addressesMax) {
            switch await self.ask(seed, seed.url.reached(at: address), until: deadline) {
            case .found(let offers): return .seen(offers.compactMap { SeedSighting($0, at: seed, discovery) })
            case .unclear(let reason): return .nothing(reason)
            case .silent, .ask: continue
            }
        }
        return .nothing("is silent")
    }

    private func ask(_ seed: DiscoverySeed, _ url: ServiceURL, until deadline: Instant) async -> Introspection.Step {
        var introspection = Introspection()
        var question = introspection.first
        while self.time.now() < deadline, !Task.isCancelled {
            let step = introspection.answered(await self.answer(to: question, seed, url))
            guard case .ask(let next) = step else { return step }
            question = next
        }
        return .silent
    }

    private func answer(
        to question: Introspection.Question,
        _ seed: DiscoverySeed,
        _ url: ServiceURL
    ) async -> Introspection.Answer? {
        var call = UpstreamCall(url: url, path: question.path, timeout: Self.callTimeout)
        call.origin = seed.url.isServiceName ? nil : seed.url
        call.answerBytesMax = Self.answerBytesMax
        call.headers = [("accept", "application/json")]
        if let body = question.body {
            call.method = "POST"
            call.headers.append(("content-type", "application/json"))
            call.body = ByteBuffer(string: body)
        }
        guard let answer = try? await self.port.call(call) else { return nil }
        return Introspection.Answer(status: answer.status, body: String(buffer: answer.body))
    }
}
