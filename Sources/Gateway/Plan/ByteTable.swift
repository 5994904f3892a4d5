/// An immutable dictionary from short byte strings to values, looked up with bytes as they stand in a request.
///
/// Swift's `Dictionary` would need a `String` per lookup. Open addressing with linear probing, at most half full;
/// each slot keeps the full hash, so a key is compared about once. Keys are registered names, never callers' bytes.
struct ByteTable<Value: Sendable>: Sendable {
    private struct Slot: Sendable {
        var hash: UInt64
        var key: [UInt8]
        var value: Value
    }

    private var places: [Int32]
    private var slots: [Slot] = []
    private let mask: Int

    init(_ entries: [(key: String, value: Value)]) {
        var size = 4
        while size < entries.count * 2 { size *= 2 }
        self.mask = size - 1
        self.places = [Int32](repeating: -1, count: size)
        for entry in entries {
            let key = Array(entry.key.utf8)
            let hash = key.withUnsafeBytes { Self.hash($0) }
            var place = Int(truncatingIfNeeded: hash) & self.mask
            while self.places[place] >= 0 { place = (place + 1) & self.mask }
            self.places[place] = Int32(self.slots.count)
            self.slots.append(Slot(hash: hash, key: key, value: entry.value))
        }
    }

    var values: [Value] { self.slots.map(\.value) }

    @inline(__always)
    func find(_ bytes: UnsafeRawBufferPointer) -> Value? {
        let hash = Self.hash(bytes)
        var place = Int(truncatingIfNeeded: hash) & self.mask
        while self.places[place] >= 0 {
            let slot = Int(self.places[place])
            if self.slots[slot].hash == hash, Self.equal(self.slots[slot].key, bytes) { return self.slots[slot].value }
            place = (place + 1) & self.mask
        }
        return nil
    }

    func find(_ text: String) -> Value? {
        var text = text
        return text.withUTF8 { self.find(UnsafeRawBufferPointer($0)) }
    }

    @inline(__always)
    private static func equal(_ key: [UInt8], _ bytes: UnsafeRawBufferPointer) -> Bool {
        guard key.count == bytes.count else { return false }
        var index = 0
        while index < key.count {
            if key[index] != bytes[index] { return false }
            index &+= 1
        }
        return true
    }

    /// FNV-1a, then one multiplication to bring the high bits down.
    @inline(__always)
    private static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        return hash ^ (hash >> 29)
    }
}
