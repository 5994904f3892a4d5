internal import Gateway
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import Registry

/// A request that has found its route, with everything the route reads of it.
struct Call: Sendable {
    var request: Request
    var requestID: String
    /// Nil where there is no connection to watch.
    var caller: CallerPresence?
    /// Nil where nobody must show who he is.
    var principal: Principal?
    /// By name, percent-decoded.
    var parameters: [String: String]
    var query: Query

    /// A path parameter that names something.
    func name<Kind: Name>(_ parameter: String, _ type: Kind.Type) throws -> Kind {
        guard let value = self.parameters[parameter].flatMap(Kind.init) else {
            let message = "must match \(NameRule.pattern)"
            throw Refusal.invalid(at: ["path", parameter], message, type: "string_pattern_mismatch")
        }
        return value
    }

    /// The whole body; refused as soon as it is known to be too long. `setting` is what an operator can raise it by.
    func body(bytesMax: Int, setBy setting: String? = nil) async throws -> ByteBuffer {
        if let length = self.request.headers[.contentLength].flatMap(Int.init), length > bytesMax {
            throw Self.tooLarge(bytesMax, setting)
        }
        var body = ByteBuffer()
        for try await part in self.request.body {
            guard body.readableBytes + part.readableBytes <= bytesMax else { throw Self.tooLarge(bytesMax, setting) }
            body.writeImmutableBuffer(part)
        }
        return body
    }

    /// Runs the work as long as the caller is there to hear of it.
    func whileCallerPresent<Value: Sendable>(
        _ work: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        guard let caller = self.caller else { return try await work() }
        return try await caller.whilePresent(work)
    }

    private static func tooLarge(_ bytesMax: Int, _ setting: String?) -> Problem {
        Problem(
            .payloadTooLarge,
            "the body is longer than \(bytesMax) bytes",
            detail: setting.map { "\($0) sets the limit" } ?? "no setting allows more on this route"
        )
    }
}
