public import NIOCore
public import Registry

/// One request of the manager's own to an instance: a probe, an introspection, a lifecycle command. Never retried,
/// never balanced, never counted as traffic.
public struct UpstreamCall: Sendable {
    public var url: ServiceURL
    /// What the service is called, where `url` names one address of it. Nil: `url`.
    public var origin: ServiceURL?
    /// With the service's path prefix.
    public var path: String
    public var method = "GET"
    public var headers: [(name: String, value: String)] = []
    public var body: ByteBuffer?
    public var timeout: Duration
    /// An answer longer than this is a failure.
    public var answerBytesMax = 64 * 1024

    public init(url: ServiceURL, path: String, timeout: Duration) {
        self.url = url
        self.path = path
        self.timeout = timeout
    }
}

public struct UpstreamAnswer: Sendable {
    public var status: Int
    public var headers: [(name: String, value: String)]
    public var body: ByteBuffer

    public init(status: Int, headers: [(name: String, value: String)], body: ByteBuffer) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

/// Why an instance gave no usable answer.
public struct UpstreamFailure: Error, Hashable, Sendable {
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        case resolve, denied, connectRefused = "connect_refused", connectTimeout = "connect_timeout", tls, reset,
            timeout, brokenAnswer = "broken_answer"
        /// This replica has as many connections as it may, or no memory for one, which says nothing about the instance.
        case exhausted
    }

    public var kind: Kind
    /// For logs and operators; contains no request data.
    public var detail: String

    public init(kind: Kind, detail: String) {
        self.kind = kind
        self.detail = detail
    }

    /// The answer was longer than the call allows.
    static func tooLong(_ bytesMax: Int) -> Self {
        Self(kind: .brokenAnswer, detail: "\(Self.tooLongBeginning) \(bytesMax) bytes")
    }

    public var isTooLong: Bool { self.kind == .brokenAnswer && self.detail.hasPrefix(Self.tooLongBeginning) }

    private static let tooLongBeginning = "the answer is longer than"
}
