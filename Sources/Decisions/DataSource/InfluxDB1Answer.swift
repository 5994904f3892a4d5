internal import Registry

/// Reads what InfluxDB 1.x answers to `/query`.
///
/// Its traps: errors stand inside answers with status 200; no rows means no `series` at all; a chunked answer is several
/// JSON documents, one a line, in which a series goes on where the last one stopped; and a server with `max-row-limit`
/// cuts an answer that is not chunked, saying so only in `partial`.
public enum InfluxDB1Answer {
    public static func read(_ bytes: [UInt8]) throws(DataFault) -> DataTable {
        var collected = Collected()
        for line in bytes.split(separator: UInt8(ascii: "\n")) where line.contains(where: { $0 > 0x20 }) {
            try collected.add(try self.document(Array(line)))
        }
        return try collected.table()
    }

    /// The error of an answer that is not 200.
    public static func error(_ bytes: [UInt8]) -> String? {
        (try? JSONValue.parse(bytes))?["error"]?.asString.map { String($0.prefix(500)) }
    }

    private static func document(_ bytes: [UInt8]) throws(DataFault) -> JSONValue {
        do throws(JSONProblem) {
            return try JSONValue.parse(bytes)
        } catch {
            throw DataFault("the answer is not JSON: \(error)")
        }
    }

    /// Everything read so far.
    private struct Collected {
        private var columns: [String]?
        private var tags: [String] = []
        private var rows: [[JSONValue]] = []
        private var isPartial = false
        private var hasResults = false

        mutating func add(_ document: JSONValue) throws(DataFault) {
            if let error = document["error"]?.asString { throw DataFault("InfluxDB says: \(error.prefix(500))") }
            guard let results = document["results"]?.asArray else { throw DataFault("the answer has no results") }
            self.hasResults = true
            for result in results {
                if let error = result["error"]?.asString { throw DataFault("InfluxDB says: \(error.prefix(500))") }
                guard result["statement_id"]?.asInteger ?? 0 == 0 else {
                    throw DataFault("the query has several statements: only one can give the data")
                }
                self.isPartial = result["partial"]?.asBool ?? false
                for series in result["series"]?.asArray ?? [] { try self.add(series: series) }
            }
        }

        private mutating func add(series: JSONValue) throws(DataFault) {
            let columns = (series["columns"]?.asArray ?? []).compactMap(\.asString)
            let tags = (series["tags"]?.asObject?.members ?? []).sorted { $0.name < $1.name }
            let names = tags.map(\.name) + columns
            guard !columns.isEmpty, names.count <= DataTable.columnsMax else {
                throw DataFault("a series has no columns, or more than \(DataTable.columnsMax)")
            }
            if let known = self.columns, known != names {
                throw DataFault("the series have different columns: \(known) and \(names)")
            }
            self.columns = names
            let values = series["values"]?.asArray ?? []
            guard self.rows.count + values.count <= DataTable.rowsMax else {
                throw .tooManyRows
            }
            for value in values {
                guard let cells = value.asArray, cells.count == columns.count else {
                    throw DataFault("a row has another number of cells than there are columns")
                }
                self.rows.append(tags.map(\.value) + cells)
            }
            self.isPartial = series["partial"]?.asBool ?? self.isPartial
        }

        func table() throws(DataFault) -> DataTable {
            guard self.hasResults else { throw DataFault("the answer is empty") }
            guard !self.isPartial else { throw DataFault("the answer was cut short by the server's max-row-limit") }
            return DataTable(columns: self.columns ?? ["time", "value"], rows: self.rows)
        }
    }
}
