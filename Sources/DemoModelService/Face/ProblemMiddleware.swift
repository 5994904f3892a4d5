import Hummingbird

/// Gives every error the form of `Problem`, those of the framework too.
struct ProblemMiddleware: RouterMiddleware {
    @concurrent func handle(
        _ request: Request,
        context: DemoContext,
        next: @concurrent (Request, DemoContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let problem as Problem {
            return try problem.response(from: request, context: context)
        } catch let error as any HTTPResponseError {
            let problem = Problem(error.status, error.status.reasonPhrase)
            return try problem.response(from: request, context: context)
        }
    }
}
