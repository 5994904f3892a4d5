/// Reads comma-separated values by RFC 4180: quotes, quotes inside quotes, line ends of either kind.
///
/// Strict where leniency would shift cells: a quote inside an unquoted cell and a quoted cell without an end are faults.
struct CSVText {
    private let bytes: [UInt8]
    private var index = 0
    private var line = 1

    private static let quote = UInt8(ascii: "\"")
    private static let comma = UInt8(ascii: ",")
    private static let newline = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { self.index = 3 }
    }

    /// The next record; an empty line is a record without cells; nil at the end.
    mutating func nextRecord() throws(DataFault) -> [String]? {
        guard self.index < self.bytes.count else { return nil }
        if self.endLine() { return [] }
        var record: [String] = []
        while true {
            record.append(try self.cell())
            guard record.count <= DataTable.columnsMax else {
                throw DataFault("line \(self.line) has more than \(DataTable.columnsMax) columns")
            }
            if self.index >= self.bytes.count || self.endLine() { return record }
            self.index += 1  // a comma
        }
    }

    /// Steps over the end of a line, if it is here.
    private mutating func endLine() -> Bool {
        if self.bytes[self.index] == Self.newline {
            self.index += 1
        } else if self.bytes[self.index] == Self.carriageReturn, self.index + 1 < self.bytes.count,
            self.bytes[self.index + 1] == Self.newline
        {
            self.index += 2
        } else {
            return false
        }
        self.line += 1
        return true
    }

    private mutating func cell() throws(DataFault) -> String {
        guard self.index < self.bytes.count, self.bytes[self.index] == Self.quote else { return try self.plainCell() }
        self.index += 1
        var text: [UInt8] = []
        let start = self.line
        while self.index < self.bytes.count {
            let byte = self.bytes[self.index]
            self.index += 1
            if byte == Self.newline { self.line += 1 }
            guard byte == Self.quote else {
                text.append(byte)
                continue
            }
            guard self.index < self.bytes.count, self.bytes[self.index] == Self.quote else {
                try self.checkCellEnds()
                return String(decoding: text, as: UTF8.self)
            }
            text.append(Self.quote)
            self.index += 1
        }
        throw DataFault("a quoted cell that begins in line \(start) has no end")
    }

    private mutating func plainCell() throws(DataFault) -> String {
        let start = self.index
        while self.index < self.bytes.count {
            let byte = self.bytes[self.index]
            if byte == Self.comma || byte == Self.newline { break }
            if byte == Self.carriageReturn, self.index + 1 < self.bytes.count,
                self.bytes[self.index + 1] == Self.newline
            {
                break
            }
            if byte == Self.quote { throw DataFault("a quote inside an unquoted cell in line \(self.line)") }
            self.index += 1
        }
        return String(decoding: self.bytes[start..<self.index], as: UTF8.self)
    }

    private func checkCellEnds() throws(DataFault) {
        guard self.index < self.bytes.count else { return }
        let byte = self.bytes[self.index]
        guard byte == Self.comma || byte == Self.newline || byte == Self.carriageReturn else {
            throw DataFault("something follows a quoted cell in line \(self.line)")
        }
        if byte == Self.carriageReturn, self.index + 1 >= self.bytes.count || self.bytes[self.index + 1] != Self.newline
        {
            throw DataFault("something follows a quoted cell in line \(self.line)")
        }
    }
}
