internal import Registry

/// How answers spell numbers, durations and lists of names.
extension JSONValue {
    typealias Members = [(name: String, value: JSONValue)]

    init(_ value: Int) { self = .integer(Int64(value)) }
    init(_ value: String?) { self = value.map(JSONValue.string) ?? .null }
    init(_ values: [String]) { self = .array(values.map(JSONValue.string)) }

    /// Seconds, as a whole number when it is one.
    init(seconds duration: Duration?) {
        guard let duration else { self = .null; return }
        let seconds = duration.inSeconds
        self = Int64(exactly: seconds).map(JSONValue.integer) ?? .number(seconds)
    }

    /// Milliseconds with three digits after the point at most.
    init(milliseconds duration: Duration?) {
        guard let duration else { self = .null; return }
        let microseconds = duration.inNanoseconds / 1000
        self = microseconds % 1000 == 0 ? .integer(microseconds / 1000) : .number(Double(microseconds) / 1000)
    }

    /// An object whose names are not known in advance.
    static func members(_ members: Members) -> JSONValue {
        var object = JSONObject()
        for member in members { object[member.name] = member.value }
        return .object(object)
    }

    /// Sets a member at the end; of anything but an object it makes nothing else.
    func adding(_ name: String, _ value: JSONValue) -> JSONValue {
        guard case .object(var object) = self else { return self }
        object[name] = value
        return .object(object)
    }
}
