import Gateway
import Testing

@Suite struct `A chunked body` {
    /// The data, the last step, and what is left behind the body.
    struct Outcome: Equatable {
        var data: [UInt8] = []
        var last = ChunkedDecoder.Step.needsMore
        var rest: [UInt8] = []
    }

    /// Decodes the pieces one after another, as buffers come from a connection.
    static func decode(_ pieces: [[UInt8]]) -> Outcome {
        var decoder = ChunkedDecoder()
        var outcome = Outcome()
        for piece in pieces {
            guard outcome.last == .needsMore else {
                outcome.rest += piece
                continue
            }
            piece.withUnsafeBytes { bytes in
                var offset = 0
                outcome.last = decoder.next(bytes, at: &offset)
                while case .data(let range) = outcome.last {
                    outcome.data += range.bytes(of: bytes)
                    outcome.last = decoder.next(bytes, at: &offset)
                }
                outcome.rest += bytes[offset...]
            }
        }
        return outcome
    }

    @Test(arguments: [
        "0\r\n\r\n",
        "5\r\nhello\r\n0\r\n\r\nNEXT",
        "5;a=\"b\"\r\nhello\r\n00000000000000A ; x\r\n0123456789\r\n000\r\nX-Trailer: y\r\nZ: \r\n\r\nHTTP/1.1",
        "1\r\n\r\r\n1\r\n\n\r\n0\r\n\r\n",
    ])
    func `gives the same data however it is cut`(text: String) {
        let bytes = Array(text.utf8)
        let whole = Self.decode([bytes])
        #expect(whole.last == .end)
        for first in 0...bytes.count {
            for second in first...bytes.count {
                let pieces = [Array(bytes[..<first]), Array(bytes[first..<second]), Array(bytes[second...])]
                #expect(Self.decode(pieces) == whole)
            }
        }
        #expect(Self.decode(bytes.map { [$0] }) == whole)
    }

    @Test func `has the data of its chunks`() {
        let outcome = Self.decode([Array("5;x\r\nhello\r\n1\r\n!\r\n0\r\nT: u\r\n\r\nNEXT".utf8)])
        #expect(outcome == Outcome(data: Array("hello!".utf8), last: .end, rest: Array("NEXT".utf8)))
    }

    @Test(arguments: [
        ("\r\n", ChunkedDecoder.Invalid.size),
        (";x\r\n", .size),
        ("g\r\n", .size),
        ("-1\r\n", .size),
        ("0x5\r\n", .size),
        (" 5\r\n", .size),
        ("5\n", .size),
        ("11111111111111111\r\n", .sizeTooLarge),
        ("8000000000000000\r\n", .sizeTooLarge),
        ("5\rx", .lineEnd),
        ("5;a\nhello", .lineEnd),
        ("5\r\nhelloX", .lineEnd),
        ("5\r\nhello\n", .lineEnd),
        ("5\r\nhello\rX", .lineEnd),
        ("0\r\n\n", .trailer),
        ("0\r\n X: folded\r\n\r\n", .trailer),
        ("0\r\nX: y\n\r\n", .trailer),
        ("0\r\nX: y\rz", .lineEnd),
        ("0\r\n\rX", .lineEnd),
        ("0;\(String(repeating: "x", count: 1025))\r\n", .extensionTooLong),
        ("0\r\nX: \(String(repeating: "y", count: 8192))\r\n", .trailersTooLong),
        ("0\r\n\(String(repeating: "X: y\r\n", count: 3000))\r\n", .trailersTooLong),
    ])
    func `that is malformed stays invalid`(text: String, reason: ChunkedDecoder.Invalid) {
        let bytes = Array(text.utf8)
        #expect(Self.decode([bytes]).last == .invalid(reason))
        #expect(Self.decode(bytes.map { [$0] }).last == .invalid(reason))
    }

    @Test func `of the largest size asks for more`() {
        #expect(Self.decode([Array("7fffffffffffffff\r\nabc".utf8)]) == Outcome(data: Array("abc".utf8)))
    }
}
