extension BodyScan {
    /// Goes on with the scan. `bytes` is the body from its first byte, as far as it has come.
    public mutating func scan(_ bytes: UnsafeRawBufferPointer, isComplete: Bool) -> Result {
        guard bytes.count <= Int(UInt32.max) else { return .invalid(.tooLong, offset: 0) }
        var cursor = self  // A local copy stays in registers.
        cursor.run(bytes)
        self = cursor
        if case .failed(let reason, let offset) = self.state { return .invalid(reason, offset: offset) }
        guard isComplete else { return .incomplete }
        guard self.state == .nothing else { return .invalid(.unexpectedEnd, offset: bytes.count) }
        return .ok(self.found)
    }

    /// Until the bytes are used up or something is wrong.
    @inline(__always)
    private mutating func run(_ bytes: UnsafeRawBufferPointer) {
        while true {
            switch self.state {
            case .nameString, .valueString:
                guard self.takeString(bytes) else { return }
            case .number:
                guard self.takeNumber(bytes) else { return }
            case .failed: return
            default:
                while self.index < bytes.count, Self.isBlank(bytes[self.index]) { self.index &+= 1 }
                guard self.index < bytes.count, self.takeToken(bytes) else { return }
            }
        }
    }

    @inline(__always)
    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
    }

    /// One structural character or the beginning of a value. False: failed, or more bytes are needed.
    @inline(__always)
    private mutating func takeToken(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let byte = bytes[self.index]
        switch self.state {
        case .value: return self.takeValue(bytes, byte)
        case .firstElement:
            return byte == UInt8(ascii: "]") ? self.takeClose(isObject: false) : self.takeValue(bytes, byte)
        case .firstName:
            return byte == UInt8(ascii: "}") ? self.takeClose(isObject: true) : self.takeName(byte)
        case .name: return self.takeName(byte)
        case .colon:
            guard byte == UInt8(ascii: ":") else { return self.fail(.unexpectedByte) }
            self.index &+= 1
            self.state = .value
            return true
        case .commaOrEnd: return self.takeCommaOrClose(byte)
        case .nothing: return self.fail(.afterEnd)
        case .nameString, .valueString, .number, .failed: return false
        }
    }

    @inline(__always)
    private mutating func takeValue(_ bytes: UnsafeRawBufferPointer, _ byte: UInt8) -> Bool {
        if self.depth <= 1 {
            guard self.depth == 1 || byte == UInt8(ascii: "{") else { return self.failOutermost(bytes, byte) }
            self.valueStart = self.index
        }
        switch byte {
        case UInt8(ascii: "\""):
            self.beginString(.valueString)
            return true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
            self.beginNumber(bytes)
            return true
        case UInt8(ascii: "{"): return self.takeOpen(isObject: true)
        case UInt8(ascii: "["): return self.takeOpen(isObject: false)
        case UInt8(ascii: "t"): return self.takeWord(bytes, "true", .bool)
        case UInt8(ascii: "f"): return self.takeWord(bytes, "false", .bool)
        case UInt8(ascii: "n"): return self.takeWord(bytes, "null", .null)
        case UInt8(ascii: "]"), UInt8(ascii: "}"):
            return self.fail(self.state == .value && self.isAfterComma(bytes) ? .trailingComma : .unexpectedByte)
        default: return self.fail(.unexpectedByte)
        }
    }

    /// The body itself is no object. A valid body of another kind would cost a second scan to tell from garbage.
    private mutating func failOutermost(_ bytes: UnsafeRawBufferPointer, _ byte: UInt8) -> Bool {
        if byte == 0xEF { return self.fail(.byteOrderMark) }
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "["),
            UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "n"):
            return self.fail(.notAnObject)
        default: return self.fail(.unexpectedByte)
        }
    }

    private func isAfterComma(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var index = self.index
        while index > 0, Self.isBlank(bytes[index &- 1]) { index &-= 1 }
        return index > 0 && bytes[index &- 1] == UInt8(ascii: ",")
    }

    @inline(__always)
    private mutating func takeName(_ byte: UInt8) -> Bool {
        guard byte == UInt8(ascii: "\"") else {
            let isTrailing = byte == UInt8(ascii: "}") && self.state == .name
            return self.fail(isTrailing ? .trailingComma : .unexpectedByte)
        }
        self.beginString(.nameString)
        return true
    }

    @inline(__always)
    private mutating func beginString(_ state: State) {
        self.index &+= 1
        self.tokenStart = self.index
        self.stringHasEscapes = false
        self.state = state
    }

    @inline(__always)
    private mutating func takeOpen(isObject: Bool) -> Bool {
        guard self.depth < Self.depthMax else { return self.fail(.tooDeep) }
        self.depth &+= 1
        self.objects = self.objects &<< 1 | (isObject ? 1 : 0)
        self.index &+= 1
        self.runPause = 0
        self.state = isObject ? .firstName : .firstElement
        return true
    }

    @inline(__always)
    private mutating func takeClose(isObject: Bool) -> Bool {
        guard self.depth > 0, (self.objects & 1 == 1) == isObject else { return self.fail(.unexpectedByte) }
        self.depth &-= 1
        self.objects &>>= 1
        self.index &+= 1
        self.endValue(isObject ? .object : .array, from: self.valueStart, to: self.index)
        return true
    }

    @inline(__always)
    private mutating func takeCommaOrClose(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: ","):
            self.index &+= 1
            self.state = self.objects & 1 == 1 ? .name : .value
            return true
        case UInt8(ascii: "]"): return self.takeClose(isObject: false)
        case UInt8(ascii: "}"): return self.takeClose(isObject: true)
        default: return self.fail(.unexpectedByte)
        }
    }

    @inline(__always)
    private mutating func takeWord(_ bytes: UnsafeRawBufferPointer, _ word: StaticString, _ kind: Member.Kind) -> Bool {
        var offset = 1
        while offset < word.utf8CodeUnitCount {
            guard self.index &+ offset < bytes.count else { return false }
            guard bytes[self.index &+ offset] == word.utf8Start[offset] else { return self.fail(.unexpectedByte) }
            offset &+= 1
        }
        self.endValue(kind, from: self.index, to: self.index &+ offset)
        self.index &+= offset
        return true
    }

    @inline(__always)
    private mutating func beginNumber(_ bytes: UnsafeRawBufferPointer) {
        if self.objects & 1 == 0 {
            if self.runPause == 0 {
                let end = NumberRun.end(bytes, from: self.index)
                if end > self.index {
                    self.index = end
                    self.state = .value
                    return
                }
                self.runPause = 16
            }
            self.runPause &-= 1
        }
        self.tokenStart = self.index
        self.state = .number
        self.numberPart = .sign
        if bytes[self.index] == UInt8(ascii: "-") { self.index &+= 1 }
    }

    /// A value has ended; at the top level it may be a routing member's.
    @inline(__always)
    mutating func endValue(_ kind: Member.Kind, from start: Int, to end: Int) {
        self.state = self.depth == 0 ? .nothing : .commaOrEnd
        guard self.depth == 1, self.member != .none else { return }
        let range = ByteRange(from: start, to: end)
        let value = Member(kind: kind, range: range, hasEscapes: kind == .string && self.stringHasEscapes)
        switch self.member {
        case .modelType: self.found.modelType = value
        case .modelVersion: self.found.modelVersion = value
        case .aggregate: self.found.aggregate = value
        case .none: break
        }
        self.member = .none
    }

    @inline(__always)
    mutating func fail(_ reason: Invalid) -> Bool {
        self.fail(reason, at: self.index)
    }

    @inline(__always)
    mutating func fail(_ reason: Invalid, at offset: Int) -> Bool {
        self.state = .failed(reason, offset: offset)
        return false
    }
}
