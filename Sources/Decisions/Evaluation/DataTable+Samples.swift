public import Registry

extension DataTable {
    /// The rows as samples of an offline test, the last ones when there are too many.
    public func samples(_ shape: SampleShape) throws(DataFault) -> [EvaluationSample] {
        let samples =
            switch shape {
            case .window(let size): try self.windows(of: size)
            case .column(let name): try self.rows(expecting: name)
            }
        guard !samples.isEmpty else { throw DataFault("too few rows for one sample: \(self.rows.count)") }
        return samples
    }

    private var valueColumns: [Int] {
        self.columns.indices.filter { !Self.timeColumns.contains(self.columns[$0]) }
    }

    private func windows(of size: Int) throws(DataFault) -> [EvaluationSample] {
        guard self.valueColumns.count == 1, let column = self.valueColumns.first else {
            throw DataFault("window needs one column with values, not \(self.valueColumns.count)")
        }
        let first = max(size, self.rows.count - EvaluationDataset.samplesMax)
        guard first < self.rows.count else { return [] }
        let values = self.rows.map { $0[column] }
        return (first..<values.count).map { place in
            EvaluationSample(data: .array(Array(values[place - size..<place])), expected: values[place])
        }
    }

    private func rows(expecting name: String) throws(DataFault) -> [EvaluationSample] {
        guard let expected = self.columns.firstIndex(of: name) else {
            throw DataFault("there is no column \(name), only \(self.columns.prefix(20).joined(separator: ", "))")
        }
        let data = self.valueColumns.filter { $0 != expected }
        guard !data.isEmpty else { throw DataFault("there is no column beside \(name)") }
        return self.rows.suffix(EvaluationDataset.samplesMax).map { row in
            EvaluationSample(data: .array(data.map { row[$0] }), expected: row[expected])
        }
    }
}
