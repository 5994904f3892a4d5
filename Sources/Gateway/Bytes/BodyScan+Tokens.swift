extension BodyScan {
    /// Goes on inside a string, up to and with its closing quote. False: failed, or more bytes are needed.
    @inline(__always)
    mutating func takeString(_ bytes: UnsafeRawBufferPointer) -> Bool {
        while true {
            self.index = ByteBlock.plainStringEnd(bytes, from: self.index)
            guard self.index < bytes.count else { return false }
            let byte = bytes[self.index]
            if byte == UInt8(ascii: "\"") { return self.endString(bytes) }
            if byte == UInt8(ascii: "\\") {
                guard self.takeEscape(bytes) else { return false }
            } else if byte >= 0x80 {
                guard self.takeScalars(bytes) else { return false }
            } else {
                return self.fail(.controlCharacter)
            }
        }
    }

    @inline(__always)
    private mutating func endString(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let end = self.index
        self.index &+= 1
        guard self.state == .nameString else {
            self.endValue(.string, from: self.tokenStart, to: end)
            return true
        }
        self.state = .colon
        guard self.depth == 1 else { return true }
        let name = UnsafeRawBufferPointer(rebasing: bytes[self.tokenStart..<end])
        self.member = self.stringHasEscapes ? Self.escapedMember(name) : Self.member(name)
        let repeated: Invalid? =
            switch self.member {
            case .modelType where self.found.modelType.kind != .absent: .repeatedModelType
            case .modelVersion where self.found.modelVersion.kind != .absent: .repeatedModelVersion
            case .aggregate where self.found.aggregate.kind != .absent: .repeatedAggregate
            default: nil
            }
        return repeated.map { self.fail($0, at: self.tokenStart &- 1) } ?? true
    }

    @inline(__always)
    private static func member(_ name: UnsafeRawBufferPointer) -> RoutingMember {
        switch name.count {
        case 9: self.equals(name, "aggregate") ? .aggregate : .none
        case 10: self.equals(name, "model_type") ? .modelType : .none
        case 13: self.equals(name, "model_version") ? .modelVersion : .none
        default: .none
        }
    }

    @inline(__always)
    private static func equals(_ name: UnsafeRawBufferPointer, _ text: StaticString) -> Bool {
        var index = 0
        while index < text.utf8CodeUnitCount {
            guard index < name.count, name[index] == text.utf8Start[index] else { return false }
            index &+= 1
        }
        return index == name.count
    }

    private static func escapedMember(_ name: UnsafeRawBufferPointer) -> RoutingMember {
        if EscapedText.equals(name, "aggregate") { return .aggregate }
        if EscapedText.equals(name, "model_type") { return .modelType }
        return EscapedText.equals(name, "model_version") ? .modelVersion : .none
    }

    /// One escape, whole: `index` stays at its backslash until all of it is there.
    private mutating func takeEscape(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard self.index &+ 1 < bytes.count else { return false }
        self.stringHasEscapes = true
        switch bytes[self.index &+ 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            self.index &+= 2
            return true
        case UInt8(ascii: "u"):
            for offset in 2..<6 {
                guard self.index &+ offset < bytes.count else { return false }
                guard EscapedText.hexadecimal(bytes[self.index &+ offset]) != nil else { return self.fail(.escape) }
            }
            self.index &+= 6
            return true
        default: return self.fail(.escape)
        }
    }

    /// A run of characters beyond ASCII, each whole.
    @inline(__always)
    private mutating func takeScalars(_ bytes: UnsafeRawBufferPointer) -> Bool {
        while self.index < bytes.count, bytes[self.index] >= 0x80 {
            switch UTF8Sequence.length(bytes, at: self.index) {
            case .valid(let length): self.index &+= length
            case .cut: return false
            case .invalid: return self.fail(.encoding)
            }
        }
        return true
    }

    /// Goes on inside a number, up to the first byte that belongs to none. False: failed, or more bytes are needed.
    @inline(__always)
    mutating func takeNumber(_ bytes: UnsafeRawBufferPointer) -> Bool {
        while self.index < bytes.count {
            let byte = bytes[self.index]
            if let next = Self.part(after: self.numberPart, byte) {
                self.numberPart = next
                self.index = Self.endOfDigits(bytes, from: self.index &+ 1, after: next)
                continue
            }
            switch self.numberPart {
            case .sign, .point, .exponentMark, .exponentSign: return self.fail(.number)
            case .zero where byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9"): return self.fail(.number)
            case .zero, .integer, .fraction, .exponent:
                self.endValue(.number, from: self.tokenStart, to: self.index)
                return true
            }
        }
        return false
    }

    /// Steps over the digits that go on with a part that may have any number of them.
    @inline(__always)
    private static func endOfDigits(_ bytes: UnsafeRawBufferPointer, from start: Int, after part: NumberPart) -> Int {
        guard part == .integer || part == .fraction || part == .exponent else { return start }
        var index = start
        while index < bytes.count, bytes[index] &- UInt8(ascii: "0") <= 9 { index &+= 1 }
        return index
    }

    /// The grammar of numbers (RFC 8259 section 6), a byte at a time. Nil: this byte does not continue the number.
    @inline(__always)
    private static func part(after part: NumberPart, _ byte: UInt8) -> NumberPart? {
        let isDigit = byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
        let isExponentMark = byte | 0x20 == UInt8(ascii: "e")
        switch part {
        case .sign: return isDigit ? (byte == UInt8(ascii: "0") ? .zero : .integer) : nil
        case .integer where isDigit: return .integer
        case .zero, .integer:
            return byte == UInt8(ascii: ".") ? .point : isExponentMark ? .exponentMark : nil
        case .point: return isDigit ? .fraction : nil
        case .fraction: return isDigit ? .fraction : isExponentMark ? .exponentMark : nil
        case .exponentMark:
            return isDigit ? .exponent : byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") ? .exponentSign : nil
        case .exponentSign, .exponent: return isDigit ? .exponent : nil
        }
    }
}
