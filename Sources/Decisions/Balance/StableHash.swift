/// A hash that every replica and every start computes alike; Swift's own `Hasher` is seeded anew by each process.
///
/// FNV-1a over the bytes, then a finalizer that spreads similar texts (`…:8001`, `…:8002`) over all 64 bits. Not for
/// secrets: whoever chooses the text can choose the hash.
public enum StableHash {
    public static func of(_ text: String) -> UInt64 {
        var hash = self.offset
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* self.prime }
        return self.mixed(hash)
    }

    public static func of(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var hash = self.offset
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* self.prime }
        return self.mixed(hash)
    }

    /// Spreads a number over all bits; a bijection (the finalizer of SplitMix64, Steele et al. 2014).
    public static func mixed(_ number: UInt64) -> UInt64 {
        var mixed = number &+ 0x9E37_79B9_7F4A_7C15
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    private static let offset: UInt64 = 0xCBF2_9CE4_8422_2325
    private static let prime: UInt64 = 0x0000_0100_0000_01B3
}
