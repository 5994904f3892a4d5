import NIOCore

/// Replies of Redis, through hiredis' reader: never crash, never allocate for what is only announced; the same values
/// and the same end however the bytes are cut; once broken, broken for good.
func fuzzOne(_ bytes: UnsafeRawBufferPointer) {
    let whole = decoded([bytes])
    for count in cuts(of: bytes) {
        let pieces = [
            UnsafeRawBufferPointer(rebasing: bytes[..<count]), UnsafeRawBufferPointer(rebasing: bytes[count...]),
        ]
        expect(decoded(pieces) == whole, "a cut changes the values")
    }
    expect(decoded(bytes.indices.map { UnsafeRawBufferPointer(rebasing: bytes[$0...$0]) }) == whole, "bytes one by one")
}

private struct Decoded: Equatable {
    var values: [RedisValue] = []
    var isBroken = false
}

private func decoded(_ pieces: [UnsafeRawBufferPointer]) -> Decoded {
    let decoder = ReplyDecoder(limits: ReplyLimits(replyBytesMax: 64 * 1024, elementsMax: 1000))
    var decoded = Decoded()
    for piece in pieces {
        decoder.feed(ByteBuffer(bytes: piece))
        do {
            while let value = try decoder.next() {
                expect(!decoded.isBroken, "a value after the stream broke")
                decoded.values.append(value)
            }
        } catch {
            decoded.isBroken = true
        }
    }
    return decoded
}
