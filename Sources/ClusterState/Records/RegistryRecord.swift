public import Registry

/// One record of the registry as a replica keeps it: its stamp, and what it says as far as this build understands it.
///
/// What this build does not understand is kept as it stands: fields that a newer build added travel along when the
/// record is given back to Redis, and a record that cannot be read at all still counts in the digest.
public struct RegistryRecord: Hashable, Sendable {
    public enum Content: Hashable, Sendable {
        case removed
        /// The fields are those that this build does not know.
        case service(Service, unknown: [String: String])
        case model(ModelType, ModelPointers, unknown: [String: String])
        case unreadable(fields: [String: String], reason: String)
    }

    public let key: RecordKey
    /// The epoch of the change that made the record; of two the higher one is true.
    public let stamp: Epoch
    public let content: Content

    public init(key: RecordKey, stamp: Epoch, content: Content) {
        self.key = key
        self.stamp = stamp
        self.content = content
    }

    /// Reads the fields of a hash; no fields at all mean that somebody deleted the hash behind our back.
    public init(key: RecordKey, stamp: Epoch, fields: [String: String]) {
        self.key = key
        self.stamp = stamp
        do throws(RecordError) {
            switch key.kind {
            case .service:
                let (service, unknown) = try ServiceRecord.decode(id: key.id, fields: fields)
                self.content = .service(service, unknown: unknown)
            case .model:
                let (type, pointers, unknown) = try ModelRecord.decode(type: key.id, fields: fields)
                self.content = .model(type, pointers, unknown: unknown)
            }
        } catch {
            self.content = .unreadable(fields: fields, reason: error.description)
        }
    }

    public var isRemoved: Bool { self.content == .removed }

    /// The whole record as Redis holds it; empty when it was removed.
    public var fields: [String: String] {
        switch self.content {
        case .removed: [:]
        case .service(let service, let unknown): ServiceRecord.fields(of: service, unknown: unknown)
        case .model(_, let pointers, let unknown): ModelRecord.fields(of: pointers, stamp: self.stamp, unknown: unknown)
        case .unreadable(let fields, _): fields
        }
    }
}

/// Why a record cannot be read; completes the sentence "the record …".
public struct RecordError: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String

    init(_ description: String) {
        self.description = description
    }
}
