import Hummingbird

/// Counts the requests in flight until their answer is ready to be sent, delays and silences included.
struct CountingMiddleware: RouterMiddleware {
    let counters: Counters

    @concurrent func handle(
        _ request: Request,
        context: DemoContext,
        next: @concurrent (Request, DemoContext) async throws -> Response
    ) async throws -> Response {
        guard FaultMiddleware.paths.contains(request.uri.path) else { return try await next(request, context) }
        self.counters.begin()
        defer { self.counters.end() }
        return try await next(request, context)
    }
}
