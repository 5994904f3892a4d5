internal import Decisions
internal import Gateway
internal import NIOCore
internal import Registry

/// Gets a job's data from its data service: any instance that is well, a few times.
struct DataFetch: Sendable {
    /// What a trainer is given.
    enum Data: Sendable {
        case table(DataTable)
        /// It is too much to be handed on; a trainer that can fetch it by itself is told where.
        case elsewhere(String)
    }

    struct Failure: Error {
        var code: Problem.Code
        var sentence: String
    }

    let source: DataSource
    let desk: JobDesk
    private(set) var attempts: [Problem.Attempt] = []

    /// A longer answer is not handed on to a trainer.
    static let bytesMax = 16 * 1024 * 1024
    /// What is too much of it.
    static let limits = "\(Self.bytesMax) bytes or \(DataTable.rowsMax) rows"
    /// Rounds over the instances, with a pause between them.
    private static let rounds = 3

    init(source: DataSource, desk: JobDesk) {
        self.source = source
        self.desk = desk
    }

    mutating func run() async throws(Failure) -> Data {
        var last = "no instance of it is well"
        for round in 0..<Self.rounds {
            if round > 0 { try? await self.desk.time.sleep(.seconds(1 << (round - 1))) }
            guard !Task.isCancelled else { break }
            let service = try self.service()
            for instance in self.desk.instances(of: service) {
                if let reason = instance.reasonToAvoid {
                    last = "\(instance.key.url) is \(reason)"
                    continue
                }
                switch await self.ask(instance.key, within: service.definition.timeout ?? self.desk.timeout) {
                case .success(let data): return data
                case .failure(let why) where why.code == .upstreamUnreachable: last = why.sentence
                case .failure(let why): throw why
                }
            }
        }
        throw Failure(code: .upstreamUnreachable, sentence: "the data service \(self.source.service) is away: \(last)")
    }

    /// As it is registered now.
    private func service() throws(Failure) -> Service {
        guard let service = self.desk.snapshot()[self.source.service] else {
            throw Failure(code: .serviceNotFound, sentence: "there is no data service \(self.source.service)")
        }
        if let fault = self.source.fault(for: service) { throw Failure(code: .validationError, sentence: fault) }
        return service
    }

    private mutating func ask(_ key: InstanceKey, within limit: Duration) async -> Result<Data, Failure> {
        let question = DataQuestion(self.source.query, at: key.url)
        var call = UpstreamCall(url: key.url, path: question.path, timeout: limit)
        let origin = self.desk.origin(of: key)
        call.origin = origin
        call.method = question.method
        call.headers = question.headers.map { ($0.key, $0.value) }.sorted { $0.0 < $1.0 }
        call.body = question.body.map { ByteBuffer(string: $0) }
        call.answerBytesMax = Self.bytesMax
        let began = self.desk.time.now()
        do throws(UpstreamFailure) {
            let answer = try await self.desk.port.call(call)
            self.note(key, "status_\(answer.status)", since: began)
            return self.read(answer, elsewhere: question.url(at: origin))
        } catch {
            self.note(key, error.kind.rawValue, since: began)
            guard error.isTooLong else {
                return .failure(
                    Failure(code: .upstreamUnreachable, sentence: "\(error.kind.rawValue): \(error.detail)")
                )
            }
            return self.tooMuch(error.detail, elsewhere: question.url(at: origin))
        }
    }

    private func read(_ answer: UpstreamAnswer, elsewhere url: String?) -> Result<Data, Failure> {
        let bytes = Array(answer.body.readableBytesView)
        guard answer.status == 200 else {
            let why = DataQuestion.error(bytes, of: self.source.query) ?? "without a reason"
            let isAway = answer.status >= 500 || answer.status == 429
            let sentence = "the data service \(self.source.service) answered \(answer.status): \(why)"
            return .failure(Failure(code: isAway ? .upstreamUnreachable : .upstreamInvalid, sentence: sentence))
        }
        do throws(DataFault) {
            let type = answer.header("content-type") ?? ""
            return .success(.table(try DataQuestion.read(bytes, contentType: type, of: self.source.query)))
        } catch {
            if error.isTooMuch { return self.tooMuch(error.description, elsewhere: url) }
            return .failure(self.unusable(error.description))
        }
    }

    private func tooMuch(_ why: String, elsewhere url: String?) -> Result<Data, Failure> {
        if let url { return .success(.elsewhere(url)) }
        return .failure(self.unusable("\(why), and cannot be fetched by an address alone: ask for less"))
    }

    private func unusable(_ why: String) -> Failure {
        Failure(code: .upstreamInvalid, sentence: "the data service \(self.source.service) gave no usable data: \(why)")
    }

    private mutating func note(_ key: InstanceKey, _ outcome: String, since began: Instant) {
        let milliseconds = (self.desk.time.now() - began).inNanoseconds / 1_000_000
        self.attempts.append(
            Problem.Attempt(service: key.service, url: key.url, outcome: outcome, milliseconds: milliseconds)
        )
    }
}
