/// Why something cannot be said in the other protocol; the message is for the caller.
public struct TensorFault: Error, Hashable, Sendable {
    public var message: String

    public init(_ message: String) {
        self.message = message
    }
}
