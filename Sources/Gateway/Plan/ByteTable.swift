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
        self.init(entries.map { Self.slot($0.key, $0.value) })
    }

    private init(_ slots: [Slot]) {
        var size = 4
        while size < slots.count * 2 { size *= 2 }
        self.mask = size - 1
        self.slots = slots
        self.places = [Int32](repeating: -1, count: size)
        for (index, slot) in slots.enumerated() {
            var place = Int(truncatingIfNeeded: slot.hash) & self.mask
            while self.places[place] >= 0 { place = (place + 1) & self.mask }
            self.places[place] = Int32(index)
        }
    }

    /// The same with other values for some keys; nil takes a key away.
    func changed(_ changes: [(key: String, value: Value?)]) -> ByteTable {
        var (slots, added) = (self.slots, [Slot]())
        var removed: Set<Int> = []
        for (key, value) in changes {
            switch (self.slotIndex(key), value) {
            case (let index?, let value?): slots[index].value = value
            case (let index?, nil): removed.insert(index)
            case (nil, let value?): added.append(Self.slot(key, value))
            case (nil, nil): break
            }
        }
        guard !added.isEmpty || !removed.isEmpty else {
            var table = self
            table.slots = slots
            return table
        }
        let kept = removed.isEmpty ? slots : slots.indices.filter { !removed.contains($0) }.map { slots[$0] }
        return ByteTable(kept + added)
    }

    private static func slot(_ key: String, _ value: Value) -> Slot {
        let key = Array(key.utf8)
        return Slot(hash: key.withUnsafeBytes { Self.hash($0) }, key: key, value: value)
    }

    var values: [Value] { self.slots.map(\.value) }

    @inline(__always)
    func find(_ bytes: UnsafeRawBufferPointer) -> Value? {
        self.slotIndex(bytes).map { self.slots[$0].value }
    }

    func find(_ text: String) -> Value? {
        self.slotIndex(text).map { self.slots[$0].value }
    }

    private func slotIndex(_ text: String) -> Int? {
        var text = text
        return text.withUTF8 { self.slotIndex(UnsafeRawBufferPointer($0)) }
    }

    @inline(__always)
    private func slotIndex(_ bytes: UnsafeRawBufferPointer) -> Int? {
        let hash = Self.hash(bytes)
        var place = Int(truncatingIfNeeded: hash) & self.mask
        while self.places[place] >= 0 {
            let slot = Int(self.places[place])
            if self.slots[slot].hash == hash, Self.equal(self.slots[slot].key, bytes) { return slot }
            place = (place + 1) & self.mask
        }
        return nil
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
