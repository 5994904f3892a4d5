/// One header of a parsed head: where its name and value lie, and which header it is.
public struct HeaderLine: Hashable, Sendable {
    public let name: ByteRange
    /// Without blanks around it; may be empty.
    public let value: ByteRange
    /// The whole line with its CRLF.
    public let line: ByteRange
    public let header: KnownHeader
}
