/// Chunked bodies: never crash; the same data and the same end however the body is cut.
func fuzzOne(_ bytes: UnsafeRawBufferPointer) {
    let whole = decoded([bytes])
    for count in cuts(of: bytes) {
        let pieces = [
            UnsafeRawBufferPointer(rebasing: bytes[..<count]), UnsafeRawBufferPointer(rebasing: bytes[count...]),
        ]
        expect(decoded(pieces) == whole, "a cut changes the data")
    }
    expect(decoded(bytes.indices.map { UnsafeRawBufferPointer(rebasing: bytes[$0...$0]) }) == whole, "bytes one by one")
}

private struct Decoded: Equatable {
    var data: [UInt8] = []
    var last = ChunkedDecoder.Step.needsMore
    /// Bytes used, in all buffers.
    var used = 0
}

private func decoded(_ pieces: [UnsafeRawBufferPointer]) -> Decoded {
    var decoder = ChunkedDecoder()
    var decoded = Decoded()
    for piece in pieces where decoded.last == .needsMore {
        var offset = 0
        decoded.last = decoder.next(piece, at: &offset)
        while case .data(let range) = decoded.last {
            expect(range.end <= piece.count && range.count > 0, "a range beyond the buffer")
            decoded.data += range.bytes(of: piece)
            decoded.last = decoder.next(piece, at: &offset)
        }
        decoded.used += offset
    }
    return decoded
}
