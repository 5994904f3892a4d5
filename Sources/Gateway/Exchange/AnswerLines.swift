internal import NIOCore
internal import Registry

/// The header lines that the manager adds to every answer, on the fast path.
enum AnswerLines {
    /// Room that `write` needs beside the caller's request id.
    static func bytesMax(_ exchange: Exchange) -> Int {
        256 + exchange.plane.replicaLine.count + (exchange.member?.answerLines.count ?? 0)
            + exchange.image.requestID.count
    }

    static func write(_ exchange: Exchange, to writer: inout ByteWriter, now: Instant?) {
        let plane = exchange.plane
        writer.write("x-request-id: ")
        exchange.image.buffer.withUnsafeReadableBytes { writer.write(exchange.image.requestID.bytes(of: $0)) }
        writer.write("\r\n")
        if let member = exchange.member {
            writer.write(member.answerLines)
            writer.write("x-mm-upstream-ms: ")
            writer.write(decimal: Int(exchange.upstreamNanoseconds / 1_000_000))
            writer.write("\r\n")
        }
        writer.write("x-mm-attempts: ")
        writer.write(decimal: exchange.attempts)
        writer.write("\r\n")
        writer.write(plane.replicaLine)
        if let code = exchange.errorCode {
            writer.write("x-mm-error-code: ")
            writer.write(Array(code.rawValue.utf8))
            writer.write("\r\n")
        }
        if plane.common.isStale, let seconds = plane.common.staleSeconds(now: now ?? MonotonicClock.now()) {
            writer.write("x-mm-stale: ")
            writer.write(decimal: seconds)
            writer.write("\r\n")
        }
    }
}
