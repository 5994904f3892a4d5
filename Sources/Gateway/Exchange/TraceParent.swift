/// The `traceparent` header of W3C Trace Context: `00-<trace>-<span>-<flags>`.
enum TraceParent {
    static let byteCount = 55

    /// Whether the bytes are a version that can be continued, with a trace and a span that are not zero.
    static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count >= self.byteCount, bytes[2] == 0x2D, bytes[35] == 0x2D, bytes[52] == 0x2D else {
            return false
        }
        guard self.isHexadecimal(bytes[0..<2]), !(bytes[0] == 0x66 && bytes[1] == 0x66) else { return false }
        guard bytes.count == self.byteCount || (bytes[1] != 0x30 && bytes[self.byteCount] == 0x2D) else { return false }
        return self.isHexadecimal(bytes[3..<35]) && self.isHexadecimal(bytes[36..<52])
            && self.isHexadecimal(bytes[53..<55]) && bytes[3..<35].contains { $0 != 0x30 }
            && bytes[36..<52].contains { $0 != 0x30 }
    }

    /// Lower case only, as the standard has it.
    private static func isHexadecimal(_ bytes: Slice<UnsafeRawBufferPointer>) -> Bool {
        bytes.allSatisfy { ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x61 && $0 <= 0x66) }
    }
}
