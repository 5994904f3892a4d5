internal import Registry

/// Reads JSON or CSV from a data service that speaks plain HTTP.
///
/// JSON: a list of values; a list of rows; a list of objects; or an object with `data` (any of these) or with `columns`
/// and `rows` (or `values`). CSV: with or without a line of names.
public enum PlainAnswer {
    public static func read(_ bytes: [UInt8], contentType: String) throws(DataFault) -> DataTable {
        let media = contentType.prefix { $0 != ";" }.lowercased()
        if media.hasSuffix("csv") { return try self.csv(bytes) }
        let json: JSONValue
        do throws(JSONProblem) {
            json = try JSONValue.parse(bytes)
        } catch {
            throw DataFault("the answer is neither CSV by its content type nor JSON: \(error)")
        }
        return try self.table(json)
    }

    // MARK: JSON

    private static func table(_ json: JSONValue) throws(DataFault) -> DataTable {
        if let elements = json.asArray { return try self.list(elements) }
        guard let object = json.asObject else {
            throw DataFault("the answer is \(json.kindName), not a list or an object")
        }
        if let columns = object["columns"]?.asArray, let rows = (object["rows"] ?? object["values"])?.asArray {
            return try self.rows(rows, columns.map { $0.asString ?? $0.serialized() })
        }
        if let elements = object["data"]?.asArray { return try self.list(elements) }
        throw DataFault("the answer has neither \"data\" nor \"columns\" and \"rows\"")
    }

    private static func list(_ elements: [JSONValue]) throws(DataFault) -> DataTable {
        switch elements.first {
        case .object(let first)?: return try self.objects(elements, first.names)
        case .array(let first)?: return try self.rows(elements, first.indices.map { "c\($0 + 1)" })
        default:
            guard !elements.contains(where: { $0.asArray != nil || $0.asObject != nil }) else {
                throw DataFault("the answer mixes values and rows")
            }
            return try self.rows(elements.map { .array([$0]) }, ["value"])
        }
    }

    private static func objects(_ elements: [JSONValue], _ names: [String]) throws(DataFault) -> DataTable {
        var rows: [JSONValue] = []
        for element in elements {
            guard let object = element.asObject, object.names.allSatisfy(names.contains) else {
                throw DataFault("an object of the list has members that the first one has not")
            }
            rows.append(.array(names.map { object[$0] ?? .null }))
        }
        return try self.rows(rows, names)
    }

    private static func rows(_ rows: [JSONValue], _ columns: [String]) throws(DataFault) -> DataTable {
        guard rows.count <= DataTable.rowsMax else {
            throw .tooManyRows
        }
        guard columns.count <= DataTable.columnsMax else {
            throw DataFault("the answer has more than \(DataTable.columnsMax) columns")
        }
        var table = DataTable(columns: columns, rows: [])
        for row in rows {
            guard let cells = row.asArray, cells.count == columns.count else {
                throw DataFault("row \(table.rows.count + 1) has another number of cells than there are columns")
            }
            table.rows.append(cells)
        }
        return table
    }

    // MARK: CSV

    private static func csv(_ bytes: [UInt8]) throws(DataFault) -> DataTable {
        var text = CSVText(bytes)
        var records: [[String]] = []
        while let record = try text.nextRecord() {
            guard records.count <= DataTable.rowsMax else {
                throw .tooManyRows
            }
            if !record.isEmpty { records.append(record) }
        }
        guard let first = records.first else { return DataTable(columns: ["value"], rows: []) }
        let hasNames = first.contains { !$0.isEmpty && self.value($0).asNumber == nil }
        let columns = hasNames ? first : first.indices.map { "c\($0 + 1)" }
        let rows = (hasNames ? records.dropFirst() : records[...]).map { JSONValue.array($0.map(self.value)) }
        return try self.rows(rows, columns)
    }

    /// A number where the text is one as JSON writes it, nothing where it is empty.
    static func value(_ text: String) -> JSONValue {
        guard !text.isEmpty else { return .null }
        let isNumeric = text.utf8.allSatisfy { ($0 >= 0x30 && $0 <= 0x39) || "+-.eE".utf8.contains($0) }
        guard isNumeric else { return .string(text) }
        if let integer = Int64(text) { return .integer(integer) }
        return Double(text).flatMap { $0.isFinite ? .number($0) : nil } ?? .string(text)
    }
}
