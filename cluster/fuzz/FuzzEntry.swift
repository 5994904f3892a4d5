/// Called by libFuzzer with each input; `fuzzOne` is the target that is compiled with this file.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzerTestOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // A copy of exactly this size: a read of one byte too many is then seen by the address sanitizer.
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    bytes.withUnsafeBytes { fuzzOne($0) }
    return 0
}

/// Some places to cut an input at: all of a short one, a spread of a long one.
func cuts(of bytes: UnsafeRawBufferPointer) -> StrideTo<Int> {
    stride(from: 0, to: bytes.count, by: max(1, bytes.count / 64))
}

func expect(_ isTrue: Bool, _ otherwise: StaticString) {
    precondition(isTrue, "\(otherwise)")
}
