import HTTPTypes
import Hummingbird
import NIOCore

/// The shell of the fault machine: makes `/predict` and `/train` late, wrong, silent or torn as it says.
struct FaultMiddleware: RouterMiddleware {
    static let paths: Set<String> = ["/predict", "/train"]

    let faults: FaultSwitch

    @concurrent func handle(
        _ request: Request,
        context: DemoContext,
        next: @concurrent (Request, DemoContext) async throws -> Response
    ) async throws -> Response {
        guard request.method == .post, Self.paths.contains(request.uri.path) else {
            return try await next(request, context)
        }
        let action = self.faults.request()
        if action.delay > .zero { try await Task.sleep(for: action.delay) }
        switch action.ending {
        case .serve: return try await self.drip(next(request, context), action.drip)
        case .answer(let status, let retryAfter): return Self.answer(status: status, retryAfter: retryAfter)
        case .hang: return try await Silence.keep(request, on: context.channel)
        case .reset(.before):
            await context.channel.resetConnection()
            throw CancellationError()
        case .reset(.middle):
            let channel = context.channel
            return try await self.halved(next(request, context)) { await channel.resetConnection() }
        case .truncate:
            let channel = context.channel
            return try await self.halved(next(request, context)) { try? await channel.close() }
        }
    }

    private static func answer(status: Int, retryAfter: Int?) -> Response {
        var headers: HTTPFields = [.contentType: "application/json"]
        if let retryAfter { headers[.retryAfter] = String(retryAfter) }
        let body = ByteBuffer(string: #"{"detail":"fault switch: status \#(status)"}"#)
        return Response(status: .init(code: status), headers: headers, body: .init(byteBuffer: body))
    }

    /// Sends about half of the promised body, then ends the connection.
    private func halved(_ response: Response, then end: @escaping @Sendable () async -> Void) async throws -> Response {
        let whole = try await BodyCollector.collect(response.body)
        let half = whole.getSlice(at: whole.readerIndex, length: whole.readableBytes / 2) ?? ByteBuffer()
        var response = response
        response.body = ResponseBody(contentLength: whole.readableBytes) { writer in
            try await writer.write(half)
            await end()
            throw CancellationError()
        }
        return response
    }

    /// Sends the body in eight pieces with a pause before each.
    private func drip(_ response: Response, _ pause: Duration?) async throws -> Response {
        guard let pause else { return response }
        let whole = try await BodyCollector.collect(response.body)
        let size = max(1, (whole.readableBytes + 7) / 8)
        var response = response
        response.body = ResponseBody(contentLength: whole.readableBytes) { writer in
            var rest = whole
            while let piece = rest.readSlice(length: min(size, rest.readableBytes)), piece.readableBytes > 0 {
                try await Task.sleep(for: pause)
                try await writer.write(piece)
            }
            try await writer.finish(nil)
        }
        return response
    }
}
