/// Whether a `Content-Type` says JSON.
enum MediaType {
    /// `application/json` or `application/<anything>+json`, with or without parameters; no header at all passes.
    static func isJSON(_ value: ByteRange, _ bytes: UnsafeRawBufferPointer) -> Bool {
        guard value.isPresent else { return true }
        if HeaderBytes.equals(bytes, value, "application/json") { return true }
        let all = value.bytes(of: bytes)
        let end = all.firstIndex(of: UInt8(ascii: ";")) ?? all.count
        let type = HeaderBytes.trimmed(bytes, from: value.offset, to: value.offset + end)
        if HeaderBytes.equals(bytes, type, "application/json") { return true }
        let prefix = ByteRange(from: type.offset, to: type.offset + min(12, type.count))
        let suffix = ByteRange(from: max(type.offset, type.end - 5), to: type.end)
        return type.count > 17 && HeaderBytes.equals(bytes, prefix, "application/")
            && HeaderBytes.equals(bytes, suffix, "+json")
    }
}
