public import NIOCore

/// Decides, request by request, what of a caller's bytes a `ChaosProxy` lets through. Called on event loops.
public protocol ChaosGate: Sendable {
    /// Takes what is whole off the beginning of `said` and gives back what goes on; `ends`: nothing follows it in either
    /// direction, and its answer is not heard.
    func pass(_ said: inout ByteBuffer) -> (onward: ByteBuffer, ends: Bool)
}
