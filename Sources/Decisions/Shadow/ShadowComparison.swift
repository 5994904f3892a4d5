public import Registry

/// One answer, the caller's or the copy's, as far as both are compared.
public struct ShadowAnswer: Hashable, Sendable {
    /// In the words of which protocol the body is.
    public enum Form: Hashable, Sendable {
        case native
        /// Tensors; so many bytes are JSON, all of them if nil, and tensors in binary follow.
        case inference(jsonBytes: Int?)
    }

    /// Zero: there was none.
    public var status: Int
    public var latencyMicroseconds: Int64
    /// Empty when it was too long to keep.
    public var body: [UInt8]
    public var form = Form.native

    public init(status: Int = 0, latencyMicroseconds: Int64 = 0, body: [UInt8] = []) {
        self.status = status
        self.latencyMicroseconds = latencyMicroseconds
        self.body = body
    }
}

/// What one copied request adds to the figures of the version that got the copy.
///
/// Numbers are found in the named member, however deeply it nests arrays, and compared in order. Two answers are
/// compared only when both are 2xx JSON with the same count of numbers there. Of tensors the member is the output of that
/// name, or the first one; and a service of tensors that answered a native caller has its further outputs in `outputs`.
public enum ShadowComparison {
    /// A copy's mean absolute difference up to this is none: the last digit may go astray.
    public static let tolerance = 1e-9

    public static func figures(caller: ShadowAnswer, copy: ShadowAnswer, field: String) -> ShadowFigures {
        var figures = ShadowFigures()
        figures.requests = 1
        figures.failures = copy.status == 0 || copy.status >= 500 ? 1 : 0
        figures.statusDiffers = copy.status == caller.status ? 0 : 1
        figures.latencyMicroseconds = copy.latencyMicroseconds
        figures.callerLatencyMicroseconds = caller.latencyMicroseconds
        guard let left = self.numbers(caller, field) else { return figures }
        let isSame = caller.body == copy.body && caller.form == copy.form && (200..<300).contains(copy.status)
        guard let right = isSame ? left : self.numbers(copy, field), left.count == right.count else { return figures }
        let count = Double(left.count)
        figures.compared = 1
        figures.difference = zip(left, right).reduce(0) { $0 + abs($1.0 - $1.1) } / count
        figures.magnitude = left.reduce(0) { $0 + abs($1) } / count
        figures.equal = figures.difference <= self.tolerance * max(1, figures.magnitude) ? 1 : 0
        return figures
    }

    /// Nil when there are none to compare.
    private static func numbers(_ answer: ShadowAnswer, _ field: String) -> [Double]? {
        guard (200..<300).contains(answer.status), let value = self.value(of: answer, field) else { return nil }
        var numbers: [Double] = []
        guard self.collect(value, into: &numbers), !numbers.isEmpty else { return nil }
        return numbers
    }

    private static func value(of answer: ShadowAnswer, _ field: String) -> JSONValue? {
        guard case .inference(let jsonBytes) = answer.form else {
            let body = try? JSONValue.parse(answer.body)
            return body?[field] ?? body?["outputs"]?[field]
        }
        let end = jsonBytes ?? answer.body.count
        guard (0...answer.body.count).contains(end), let json = try? JSONValue.parse(Array(answer.body[..<end])) else {
            return nil
        }
        let tensor = try? InferenceTranslation.output(named: field, of: json, raw: answer.body[end...])
        return tensor.map { .array($0.elements) }
    }

    /// False: there is something that is neither a number nor an array of such.
    private static func collect(_ value: JSONValue, into numbers: inout [Double]) -> Bool {
        if let number = value.asNumber {
            numbers.append(number)
            return number.isFinite
        }
        guard let values = value.asArray else { return false }
        return values.allSatisfy { self.collect($0, into: &numbers) }
    }
}
