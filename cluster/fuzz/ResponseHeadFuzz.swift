/// Heads of answers: never crash; a cut head is incomplete or has the verdict of the whole; what is copied is a head again.
func fuzzOne(_ bytes: UnsafeRawBufferPointer) {
    let limits = HeadLimits(headBytesMax: 2048, lineBytesMax: 512, headersMax: 20)
    let whole = ResponseHead.parse(bytes, limits: limits)
    for count in cuts(of: bytes) {
        let part = ResponseHead.parse(UnsafeRawBufferPointer(rebasing: bytes[..<count]), limits: limits)
        expect(part == .incomplete || part == whole, "a cut changes the verdict")
    }
    guard case .head(let head) = whole else { return }
    expect(head.headBytes <= bytes.count && head.reason.end <= head.headBytes, "a range beyond the head")
    var target = [UInt8](repeating: 0, count: head.forwardableBytesMax)
    let copied = target.withUnsafeMutableBytes { head.copyForwardable(of: bytes, into: $0) }
    expect(copied >= 0 && copied < head.headBytes, "the copy does not fit")
    // What goes on to the caller must itself be a head without anything of the connection.
    let again = Array("HTTP/1.1 200 \r\n".utf8) + target[..<copied] + Array("\r\n".utf8)
    again.withUnsafeBytes { buffer in
        guard case .head(let second) = ResponseHead.parse(buffer, limits: HeadLimits()) else {
            expect(false, "the copied lines are no head")
            return
        }
        var lines = second.lines(of: buffer)
        while let line = lines.nextLine() { expect(line.header.fateInAnswer == .forward, "a line that ends here") }
    }
}
