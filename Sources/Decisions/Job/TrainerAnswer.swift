public import Registry

/// What a trainer's HTTP answer means for a job.
///
/// Trainers are as different as those who wrote them, so the reading is generous with words and strict with one thing:
/// what may have begun a training is never read as something that did not.
public enum TrainerAnswer: Hashable, Sendable {
    /// The training is over, one way or the other.
    case ended(JobOutcome)
    /// It goes on, and can be asked about at the path.
    case accepted(path: String)
    /// It goes on.
    case running(progress: Double?, message: String?, after: Duration?)
    /// The trainer did not take it, and may later.
    case busy(after: Duration?)
    /// The trainer does not train, or not any more.
    case unable(String)
    /// The trainer did not take it and will not.
    case refused(String)
    /// Somebody on the way gave up; the trainer may have got it.
    case unclear(String)
    /// The trainer does not know the job.
    case unknown
}

/// How a training ended, in the trainer's words.
public struct JobOutcome: Hashable, Sendable {
    public var status: JobStatus
    /// The whole answer when it is JSON and not too long.
    public var result: JSONValue?
    public var modelVersion: String?
    public var error: String?

    public init(status: JobStatus, result: JSONValue? = nil, modelVersion: String? = nil, error: String? = nil) {
        self.status = status
        self.result = result
        self.modelVersion = modelVersion
        self.error = error
    }
}

/// An HTTP answer, as far as it matters here.
public struct TrainerReply: Hashable, Sendable {
    public var status: Int
    public var location: String?
    public var retryAfter: Duration?
    /// Nil when the body is no JSON.
    public var body: JSONValue?

    public init(status: Int, location: String? = nil, retryAfter: Duration? = nil, body: JSONValue? = nil) {
        self.status = status
        self.location = location
        self.retryAfter = retryAfter
        self.body = body
    }
}

extension TrainerReply {
    /// As the answer to `POST /train`.
    public func toOrder(at url: ServiceURL) -> TrainerAnswer {
        switch self.status {
        case 200..<300: self.begun(at: url)
        case 429, 503: .busy(after: self.retryAfter)
        case 404, 405, 501: .unable("\(self.status): \(self.sentence ?? "it does not train")")
        case 408, 502, 504: .unclear("\(self.status): \(self.sentence ?? "somebody on the way gave up")")
        default: .refused("\(self.status): \(self.sentence ?? "without a reason")")
        }
    }

    /// As the answer to a question about the job.
    public func toQuestion() -> TrainerAnswer {
        switch self.status {
        case 202: .running(progress: self.progress, message: self.message, after: self.retryAfter)
        case 200..<300: self.condition
        case 404, 410: .unknown
        case 429, 500...: .busy(after: self.retryAfter)
        default: .refused("\(self.status): \(self.sentence ?? "without a reason")")
        }
    }

    /// As the answer to `GET /train?idempotency_key=…`: the job itself, or a list of jobs. Anything that does not point
    /// at one job says that the trainer does not know it.
    public func toSearch(at url: ServiceURL) -> TrainerAnswer {
        switch self.status {
        case 200..<300: break
        case 429, 500...: return .busy(after: self.retryAfter)
        default: return .unknown
        }
        let listed = self.body?["jobs"]?.asArray ?? self.body?.asArray
        guard let one = listed.map({ $0.first }) ?? self.body, let id = Self.jobID(one) else { return .unknown }
        return .accepted(path: "\(url.pathPrefix)/train/\(id)")
    }

    /// Why, if the trainer said.
    public var sentence: String? {
        for name in ["error", "detail", "message"] {
            guard let said = self.body?[name], said != .null else { continue }
            return String((said.asString ?? said.serialized()).prefix(500))
        }
        return nil
    }

    private func begun(at url: ServiceURL) -> TrainerAnswer {
        let path = self.path(at: url)
        let hasEnded = self.status != 202 && self.outcome != nil
        if hasEnded || (self.status != 202 && path == nil) { return .ended(self.outcome ?? self.success) }
        if let path { return .accepted(path: path) }
        let why = "the trainer accepted it, but said neither Location nor job_id, so nobody can ask how it goes"
        return .ended(JobOutcome(status: .interrupted, result: self.body, error: why))
    }

    private var condition: TrainerAnswer {
        guard self.body?["status"]?.asString ?? self.body?["state"]?.asString != nil else {
            return .ended(self.success)
        }
        guard let outcome else {
            return .running(progress: self.progress, message: self.message, after: self.retryAfter)
        }
        return .ended(outcome)
    }

    private var success: JobOutcome { self.outcome(.succeeded) }

    /// What the body says about an end; nil when it says that the job goes on, or nothing.
    private var outcome: JobOutcome? {
        let word = self.body?["status"]?.asString ?? self.body?["state"]?.asString
        guard let word else { return nil }
        switch word.lowercased() {
        case "succeeded", "success", "completed", "complete", "done", "finished", "ok", "trained":
            return self.outcome(.succeeded)
        case "failed", "failure", "error": return self.outcome(.failed)
        case "cancelled", "canceled", "aborted", "stopped": return self.outcome(.cancelled)
        default: return nil
        }
    }

    private func outcome(_ status: JobStatus) -> JobOutcome {
        let version = self.body?["model_version"]?.asString ?? self.body?["version"]?.asString
        let error = status == .failed ? self.sentence ?? "the trainer said that it failed" : nil
        return JobOutcome(status: status, result: self.body, modelVersion: version, error: error)
    }

    /// Where the trainer wants to be asked, on its own address only.
    private func path(at url: ServiceURL) -> String? {
        if let location, let path = Self.path(of: location, at: url) { return path }
        return self.body.flatMap(Self.jobID).map { "\(url.pathPrefix)/train/\($0)" }
    }

    private static func path(of location: String, at url: ServiceURL) -> String? {
        guard location.utf8.count <= ServiceURL.bytesMax, location.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            return nil
        }
        let origin = "\(url.scheme.rawValue)://\(url.authority)"
        var path = location
        if location.lowercased().hasPrefix(origin + "/") { path = String(location.dropFirst(origin.count)) }
        guard path.hasPrefix("/"), !path.hasPrefix("//"), !path.contains("#") else { return nil }
        // A trainer behind a prefix may or may not know of it.
        return path.hasPrefix(url.pathPrefix + "/") ? path : url.pathPrefix + path
    }

    private static func jobID(_ body: JSONValue) -> String? {
        let id = body["job_id"]?.asString ?? body["id"]?.asString ?? body["job_id"]?.asInteger.map { String($0) }
        return id.flatMap { NameRule.allows($0) ? $0 : nil }
    }

    /// A share, however the trainer counts: 0...1, a percentage, or epochs of epochs.
    private var progress: Double? {
        if let share = self.body?["progress"]?.asNumber, share >= 0 { return min(1, share > 1 ? share / 100 : share) }
        guard let done = self.body?["epoch"]?.asNumber, let all = self.body?["epochs"]?.asNumber, all > 0 else {
            return nil
        }
        return min(1, max(0, done / all))
    }

    private var message: String? { self.body?["message"]?.asString.map { String($0.prefix(500)) } }
}
