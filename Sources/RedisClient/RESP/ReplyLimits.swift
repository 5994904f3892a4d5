/// How much one reply may cost before the connection is taken for broken.
///
/// A header of twelve bytes can announce gigabytes, so nothing is ever allocated for what is only announced. Real
/// replies stay far below: a full sync of 5,000 services is a few megabytes.
struct ReplyLimits: Sendable, Equatable {
    /// Bytes of one reply, received or still waited for. Too small: large registries cannot be read.
    var replyBytesMax = 64 * 1024 * 1024
    /// Elements of all arrays of one reply together.
    var elementsMax = 1_000_000
}
