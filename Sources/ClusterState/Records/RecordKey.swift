/// Names one record of the registry: what kind it is of, and its id within the kind.
public struct RecordKey: Hashable, Sendable {
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// A registered service.
        case service
        /// What the aliases of a model type point at.
        case model
    }

    public let kind: Kind
    public let id: String

    public init(_ kind: Kind, _ id: String) {
        self.kind = kind
        self.id = id
    }
}

extension RecordKey: CustomStringConvertible {
    public var description: String { "\(self.kind.rawValue):\(self.id)" }
}
