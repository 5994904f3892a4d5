public import NIOCore
public import Registry

/// A request that came through the general door, complete and within the body limit.
public struct GatewayRequest: Sendable {
    /// What the caller wants of a model.
    public enum Operation: Sendable, Equatable { case predict, train, infer(InferenceOrder) }

    public var operation: Operation
    /// As received, names in any case; the data plane filters them.
    public var headers: [(name: String, value: String)]
    public var body: ByteBuffer
    /// What the caller may use; nil: every service.
    public var scope: AccessScope?

    public init(operation: Operation, headers: [(name: String, value: String)], body: ByteBuffer) {
        self.operation = operation
        self.headers = headers
        self.body = body
    }
}

/// What goes back to the caller of the general door: an instance's answer, or the manager's own problem.
public struct GatewayAnswer: Sendable {
    public var status: Int
    /// Filtered, and with the `x-mm-…` headers.
    public var headers: [(name: String, value: String)]
    /// The body as it arrives. Ends early with an error when the instance breaks off.
    public var body: AsyncThrowingStream<ByteBuffer, any Error>

    public init(status: Int, headers: [(name: String, value: String)], body: AsyncThrowingStream<ByteBuffer, any Error>)
    {
        self.status = status
        self.headers = headers
        self.body = body
    }
}
