/// Heads of requests: never crash; a cut head is incomplete or has the verdict of the whole; what is found lies inside.
func fuzzOne(_ bytes: UnsafeRawBufferPointer) {
    let limits = HeadLimits(headBytesMax: 2048, lineBytesMax: 512, headersMax: 20)
    let whole = RequestHead.parse(bytes, limits: limits)
    for count in cuts(of: bytes) {
        let part = RequestHead.parse(UnsafeRawBufferPointer(rebasing: bytes[..<count]), limits: limits)
        expect(part == .incomplete || part == whole, "a cut changes the verdict")
    }
    guard case .head(let head) = whole else { return }
    expect(RequestHead.mayBeComplete(bytes, from: 0), "a complete head has an empty line")
    expect(head.headBytes <= bytes.count && head.target.end <= head.headBytes, "a range beyond the head")
    var lines = head.lines(of: bytes)
    var count = 0
    while let line = lines.nextLine() {
        count += 1
        expect(line.value.end <= head.headBytes && line.name.count > 0, "a line beyond the head")
    }
    expect(count == head.headerCount, "the walk sees other lines than the parser")
    for dropCredentials in [true, false] {
        var target = [UInt8](repeating: 0, count: head.forwardableBytesMax)
        let copied = target.withUnsafeMutableBytes {
            head.copyForwardable(of: bytes, into: $0, dropCredentials: dropCredentials)
        }
        expect(copied >= 0 && copied < head.headBytes, "the copy does not fit")
    }
}
