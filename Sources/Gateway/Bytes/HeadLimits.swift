/// How large the head of a message may be. A request beyond it is answered 431, an answer beyond it is broken.
public struct HeadLimits: Hashable, Sendable {
    /// The whole head, from its first byte to the empty line.
    public var headBytesMax: Int
    /// One line: the request line, the status line, or a header with its name.
    public var lineBytesMax: Int
    public var headersMax: Int

    public init(headBytesMax: Int = 32 * 1024, lineBytesMax: Int = 8 * 1024, headersMax: Int = 100) {
        self.headBytesMax = headBytesMax
        self.lineBytesMax = lineBytesMax
        self.headersMax = headersMax
    }
}
