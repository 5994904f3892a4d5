internal import Registry

/// Reads the annotated CSV of InfluxDB 2.x: blocks, each with annotation lines (`#datatype`, `#group`, `#default`), a
/// line of names, and rows, an empty line between blocks. An error that comes late is a block with a column `error`.
public enum InfluxDB2Answer {
    /// Columns about the table and not about the data.
    private static let plumbing: Set<String> = ["", "result", "table", "_start", "_stop", "_field", "_measurement"]

    public static func read(_ bytes: [UInt8]) throws(DataFault) -> DataTable {
        var text = CSVText(bytes)
        var block = Block()
        var table: DataTable?
        while let record = try text.nextRecord() {
            if record.isEmpty || record.allSatisfy(\.isEmpty) {
                block = Block()
            } else if record[0].hasPrefix("#") {
                if block.names != nil { block = Block() }
                block.annotate(record)
            } else if block.names == nil {
                try block.name(record, known: &table)
            } else {
                try block.append(record, to: &table)
            }
        }
        return table ?? DataTable(columns: ["_time", "_value"], rows: [])
    }

    private struct Block {
        var types: [String] = []
        var defaults: [String] = []
        var names: [String]?
        /// Places of the columns that are data.
        var kept: [Int] = []

        mutating func annotate(_ record: [String]) {
            switch record[0] {
            case "#datatype": self.types = record
            case "#default": self.defaults = record
            default: break
            }
        }

        mutating func name(_ record: [String], known table: inout DataTable?) throws(DataFault) {
            self.names = record
            self.kept = record.indices.filter { !InfluxDB2Answer.plumbing.contains(record[$0]) }
            guard !record.contains("error") else { return }
            let columns = self.kept.map { record[$0] }
            if let known = table?.columns, known != columns {
                throw DataFault("the tables have different columns: \(known) and \(columns)")
            }
            if table == nil { table = DataTable(columns: columns, rows: []) }
        }

        func append(_ record: [String], to table: inout DataTable?) throws(DataFault) {
            guard let names, record.count == names.count else {
                throw DataFault("a row has \(record.count) cells and the names are \(self.names?.count ?? 0)")
            }
            if let place = names.firstIndex(of: "error") {
                throw DataFault("InfluxDB says: \(record[place].prefix(500))")
            }
            guard (table?.rows.count ?? 0) < DataTable.rowsMax else {
                throw .tooManyRows
            }
            table?.rows.append(self.kept.map { self.value(record[$0], at: $0) })
        }

        private func value(_ cell: String, at place: Int) -> JSONValue {
            let standard = self.defaults.indices.contains(place) ? self.defaults[place] : ""
            let text = cell.isEmpty ? standard : cell
            let type = self.types.indices.contains(place) ? self.types[place] : ""
            switch type {
            case "string", "tag": return .string(text)
            case _ where text.isEmpty: return .null
            case "long", "unsignedLong": return Int64(text).map { .integer($0) } ?? .string(text)
            case "double": return Double(text).map { $0.isFinite ? .number($0) : .null } ?? .string(text)
            case "boolean": return text == "true" ? true : text == "false" ? false : .string(text)
            case "": return PlainAnswer.value(text)
            default: return .string(text)
            }
        }
    }

    /// The error of an answer that is not 200.
    public static func error(_ bytes: [UInt8]) -> String? {
        (try? JSONValue.parse(bytes))?["message"]?.asString.map { String($0.prefix(500)) }
    }
}
