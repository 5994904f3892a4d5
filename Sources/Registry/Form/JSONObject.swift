/// The members of a JSON object, in the order they were given, each name once.
///
/// Two objects are equal when they have the same members, in whatever order. Small objects are searched from the front,
/// larger ones through an index.
public struct JSONObject: Sendable {
    public struct Member: Hashable, Sendable {
        public let name: String
        public fileprivate(set) var value: JSONValue
    }

    public private(set) var members: [Member] = []
    /// Where a name stands; kept only above `indexedFrom` members.
    private var places: [String: Int] = [:]

    private static let indexedFrom = 16

    public init() {}

    /// In this order; of members with the same name the last one counts.
    public init(_ members: [(String, JSONValue)]) {
        for (name, value) in members { self[name] = value }
    }

    public var count: Int { self.members.count }
    public var isEmpty: Bool { self.members.isEmpty }
    public var names: [String] { self.members.map(\.name) }

    /// Setting nil removes the member; a new name goes to the end.
    public subscript(_ name: String) -> JSONValue? {
        get { self.place(of: name).map { self.members[$0].value } }
        set {
            guard let place = self.place(of: name) else {
                if let newValue { self.append(name, newValue) }
                return
            }
            if let newValue {
                self.members[place].value = newValue
            } else {
                self.members.remove(at: place)
                self.reindex()
            }
        }
    }

    /// Adds a member at the end unless the name is taken; says whether it did.
    @discardableResult
    mutating func add(_ name: String, _ value: JSONValue) -> Bool {
        guard self.place(of: name) == nil else { return false }
        self.append(name, value)
        return true
    }

    private mutating func append(_ name: String, _ value: JSONValue) {
        self.members.append(Member(name: name, value: value))
        if self.members.count == Self.indexedFrom + 1 {
            self.reindex()
        } else if self.members.count > Self.indexedFrom {
            self.places[name] = self.members.count - 1
        }
    }

    private func place(of name: String) -> Int? {
        if self.members.count > Self.indexedFrom { return self.places[name] }
        return self.members.firstIndex { $0.name == name }
    }

    private mutating func reindex() {
        guard self.members.count > Self.indexedFrom else {
            self.places = [:]
            return
        }
        self.places = Dictionary(uniqueKeysWithValues: self.members.enumerated().map { ($1.name, $0) })
    }
}

extension JSONObject: Hashable {
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.count == right.count && left.members.allSatisfy { right[$0.name] == $0.value }
    }

    public func hash(into hasher: inout Hasher) {
        var combined = 0
        for member in self.members { combined ^= member.hashValue }
        hasher.combine(combined)
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        for (name, value) in elements { self[name] = value }
    }
}
