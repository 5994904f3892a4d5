/// The SHA-256 of a credential: what is kept and compared instead of it.
///
/// That two digests are compared in a time that depends on them tells an attacker nothing of use: he would need a
/// credential whose digest begins as wanted.
public struct CredentialDigest: Hashable, Sendable {
    private let words: (UInt64, UInt64, UInt64, UInt64)

    /// Of 32 bytes; nil for any other number.
    @inline(__always)
    public init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == 32 else { return nil }
        self.words = (
            bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self),
            bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
            bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self),
            bytes.loadUnaligned(fromByteOffset: 24, as: UInt64.self)
        )
    }

    /// Of 64 hexadecimal digits; nil for anything else.
    public init?(hex: String) {
        let digits = hex.utf8.compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
        guard digits.count == 64, hex.utf8.count == 64 else { return nil }
        let bytes = stride(from: 0, to: 64, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
        guard let digest = bytes.withUnsafeBytes({ Self($0) }) else { return nil }
        self = digest
    }

    @inline(__always)
    public static func == (left: Self, right: Self) -> Bool { left.words == right.words }

    /// A digest is as good as random in each of its parts.
    @inline(__always)
    public func hash(into hasher: inout Hasher) { hasher.combine(self.words.0) }
}
