public import Registry

/// Rows from a data service, whatever protocol they came by.
public struct DataTable: Hashable, Sendable {
    public var columns: [String]
    /// As many cells each as there are columns.
    public var rows: [[JSONValue]]

    /// More rows are not handed on: a trainer that needs more fetches them by itself.
    public static let rowsMax = 1_000_000
    public static let columnsMax = 1000

    public init(columns: [String], rows: [[JSONValue]]) {
        self.columns = columns
        self.rows = rows
    }

    /// Columns that say when a value was, not what it was.
    static let timeColumns: Set<String> = ["time", "_time", "timestamp"]

    /// What a trainer gets as `data`: a list of values when one column has values, else columns and rows.
    public var json: JSONValue {
        let values = self.columns.indices.filter { !Self.timeColumns.contains(self.columns[$0]) }
        if values.count == 1, let column = values.first { return .array(self.rows.map { $0[column] }) }
        return [
            "columns": .array(self.columns.map { .string($0) }), "rows": .array(self.rows.map { .array($0) }),
        ]
    }
}

/// Why a data service's answer gives no data; a sentence for the caller.
public struct DataFault: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String
    /// Nothing is wrong with the rows but their number.
    public let isTooMuch: Bool

    public init(_ description: String) {
        self.description = description
        self.isTooMuch = false
    }

    private init(tooMuch description: String) {
        self.description = description
        self.isTooMuch = true
    }

    static let tooManyRows = DataFault(tooMuch: "the answer has more than \(DataTable.rowsMax) rows")
}
