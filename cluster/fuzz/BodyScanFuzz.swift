/// Bodies: never crash; the same verdict whole, cut anywhere, and a byte at a time, where no run of numbers is long
/// enough for the vector path.
func fuzzOne(_ bytes: UnsafeRawBufferPointer) {
    var scan = BodyScan()
    let whole = scan.scan(bytes, isComplete: true)
    for count in cuts(of: bytes) {
        var cut = BodyScan()
        var result = cut.scan(UnsafeRawBufferPointer(rebasing: bytes[..<count]), isComplete: false)
        if result == .incomplete { result = cut.scan(bytes, isComplete: true) }
        expect(result == whole, "a cut changes the verdict")
    }
    var slow = BodyScan()
    var result = BodyScan.Result.incomplete
    var count = 0
    while result == .incomplete, count <= bytes.count {
        result = slow.scan(UnsafeRawBufferPointer(rebasing: bytes[..<count]), isComplete: count == bytes.count)
        count += 1
    }
    expect(result == whole, "byte by byte the verdict differs")
    guard case .ok(let found) = whole else { return }
    for member in [found.modelType, found.modelVersion, found.aggregate] where member.kind != .absent {
        expect(member.range.end < bytes.count && member.range.isPresent, "a member beyond the body")
        _ = member.text(of: bytes)
    }
}
