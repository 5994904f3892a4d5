import ArgumentParser
import Foundation
import Gateway
import Logging
import NIOCore
import NIOPosix
import Registry

/// The API as the commands call it: one request, one JSON answer, or an exit code that says why not.
struct APIClient {
    private let url: ServiceURL
    private static let answerBytesMax = 64 * 1024 * 1024

    init(url: String) throws {
        do {
            self.url = try ServiceURL(url)
        } catch {
            throw ValidationError("--url \(error)")
        }
    }

    /// - Returns: the body of a 2xx answer. Throws the exit code that fits anything else, after saying why.
    func send(
        _ method: String,
        _ path: String,
        body: JSONValue? = nil,
        headers: [(name: String, value: String)] = []
    ) async throws -> JSONValue {
        let answer = try await self.answer(method, path, body: body, headers: headers)
        let value = try? JSONValue.parse(Array(answer.body.readableBytesView))
        guard (200..<300).contains(answer.status) else { throw self.refusal(answer.status, value) }
        guard let value else { throw ProgramExit.failed.saying("\(self.url)\(path) did not answer with JSON") }
        return value
    }

    /// The status alone, whatever it is.
    func status(_ path: String) async throws -> Int {
        try await self.answer("GET", path, body: nil).status
    }

    private func answer(
        _ method: String,
        _ path: String,
        body: JSONValue?,
        headers: [(name: String, value: String)] = []
    ) async throws -> UpstreamAnswer {
        var call = UpstreamCall(url: self.url, path: self.url.pathPrefix + path, timeout: .seconds(30))
        call.method = method
        call.answerBytesMax = Self.answerBytesMax
        call.headers = [("accept", "application/json")] + headers
        if let body {
            call.headers.append(("content-type", "application/json"))
            call.body = ByteBuffer(string: body.serialized())
        }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let plane = DataPlane(
            settings: DataPlaneSettings(replicaID: "cli"),
            group: group,
            news: NoNews(),
            logger: Logger(label: "cli") { _ in SwiftLogNoOpLogHandler() }
        )
        do {
            let answer = try await plane.call(call)
            try? await group.shutdownGracefully()
            return answer
        } catch {
            try? await group.shutdownGracefully()
            throw ProgramExit.unreachable.saying("\(self.url) is unreachable: \(error.kind.rawValue) \(error.detail)")
        }
    }

    private func refusal(_ status: Int, _ body: JSONValue?) -> ExitCode {
        var sentence = "\(self.url) answered \(status)"
        if case .object(let problem)? = body, case .string(let error)? = problem["error"] { sentence = error }
        return (status == 503 || status == 429 ? ProgramExit.tryAgainLater : .failed).saying(sentence)
    }
}

/// A command has nobody to tell of breakers.
private struct NoNews: DataPlaneNews {
    func breakerMoved(_ key: InstanceKey, to phase: BreakerPhase, trips: Int) {}
}
