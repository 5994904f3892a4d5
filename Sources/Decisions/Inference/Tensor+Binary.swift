internal import Registry

/// The binary form of tensors, which clients use by default: elements in row-major order, little-endian, one behind the
/// other; `BYTES` elements with their length, four bytes of it, before each.
extension Tensor {
    /// From what follows the JSON of a request. All of the bytes must belong to the tensor.
    public init(shape: [Int], datatype: String, bytes: ArraySlice<UInt8>) throws(TensorFault) {
        let elements: [JSONValue] =
            switch datatype {
            case "FP64": try Self.words(bytes, UInt64.self).map { .number(Double(bitPattern: $0)) }
            case "FP32": try Self.words(bytes, UInt32.self).map { .number(Double(Float(bitPattern: $0))) }
            case "INT64": try Self.words(bytes, UInt64.self).map { .integer(Int64(bitPattern: $0)) }
            case "INT32": try Self.words(bytes, UInt32.self).map { .integer(Int64(Int32(bitPattern: $0))) }
            case "INT16": try Self.words(bytes, UInt16.self).map { .integer(Int64(Int16(bitPattern: $0))) }
            case "INT8": bytes.map { .integer(Int64(Int8(bitPattern: $0))) }
            case "UINT64": try Self.integers(Self.words(bytes, UInt64.self))
            case "UINT32": try Self.words(bytes, UInt32.self).map { .integer(Int64($0)) }
            case "UINT16": try Self.words(bytes, UInt16.self).map { .integer(Int64($0)) }
            case "UINT8": bytes.map { .integer(Int64($0)) }
            case "BOOL": bytes.map { .bool($0 != 0) }
            case "BYTES": try Self.texts(bytes)
            default: throw TensorFault("the datatype \(datatype) cannot be translated; send the data as JSON")
            }
        try self.init(shape: shape, data: .array(elements))
    }

    private static func words<Word: FixedWidthInteger>(
        _ bytes: ArraySlice<UInt8>,
        _: Word.Type
    ) throws(TensorFault) -> [Word] {
        let size = Word.bitWidth / 8
        guard bytes.count.isMultiple(of: size) else {
            throw TensorFault("\(bytes.count) bytes do not make whole elements of \(size) bytes")
        }
        return stride(from: bytes.startIndex, to: bytes.endIndex, by: size).map { start in
            bytes[start..<(start + size)].reversed().reduce(Word(0)) { $0 << 8 | Word($1) }
        }
    }

    private static func integers(_ words: [UInt64]) throws(TensorFault) -> [JSONValue] {
        if let large = words.first(where: { $0 > UInt64(Int64.max) }) {
            throw TensorFault("\(large) is too large to be translated")
        }
        return words.map { .integer(Int64($0)) }
    }

    private static func texts(_ bytes: ArraySlice<UInt8>) throws(TensorFault) -> [JSONValue] {
        var (texts, rest) = ([JSONValue](), bytes)
        while !rest.isEmpty {
            let length = try self.words(rest.prefix(4), UInt32.self).first.map { Int($0) }
            rest = rest.dropFirst(4)
            guard let length, length <= rest.count else { throw TensorFault("an element of BYTES is cut off") }
            guard let text = String(validating: rest.prefix(length), as: UTF8.self) else {
                throw TensorFault("an element of BYTES is no UTF-8; a native model takes text")
            }
            texts.append(.string(text))
            rest = rest.dropFirst(length)
        }
        return texts
    }
}
