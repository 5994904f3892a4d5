internal import RedisClient
internal import Registry

/// Takes a function's reply apart, item by item; a reply of another shape is an error, never a crash.
struct ReplyReader: Sendable {
    private let function: String
    private let values: [RedisValue]
    private var place = 0

    init(_ value: RedisValue, of function: String) throws(StateError) {
        guard let values = value.array else {
            throw StateError(.unreadable, "\(function) answered something else than a list")
        }
        self.function = function
        self.values = values
    }

    mutating func text() throws(StateError) -> String {
        guard let text = try self.value().string else { throw self.surprise("a text") }
        return text
    }

    mutating func integer() throws(StateError) -> Int64 {
        guard let number = try self.value().integer else { throw self.surprise("a number") }
        return number
    }

    mutating func epoch() throws(StateError) -> Epoch {
        Epoch(try self.integer())
    }

    mutating func list() throws(StateError) -> [RedisValue] {
        guard let list = try self.value().array else { throw self.surprise("a list") }
        return list
    }

    mutating func fields() throws(StateError) -> [String: String] {
        let list = try self.list().compactMap(\.string)
        return Self.dictionary(list[...])
    }

    /// What has not been taken yet.
    mutating func rest() -> [RedisValue] {
        defer { self.place = self.values.count }
        return Array(self.values[self.place...])
    }

    /// Alternating names and values as a dictionary; of two equal names the last one counts.
    static func dictionary(_ flat: ArraySlice<String>) -> [String: String] {
        var fields: [String: String] = [:]
        var place = flat.startIndex
        while place + 1 < flat.endIndex {
            fields[flat[place]] = flat[place + 1]
            place += 2
        }
        return fields
    }

    private mutating func value() throws(StateError) -> RedisValue {
        guard self.place < self.values.count else { throw self.surprise("more items") }
        self.place += 1
        return self.values[self.place - 1]
    }

    private func surprise(_ expected: String) -> StateError {
        StateError(.unreadable, "\(self.function) answered without \(expected) at place \(self.place)")
    }
}
