public import Registry

/// What must be done to the registry because the services file says something else than it did.
///
/// The file is one voice among several: an entry speaks when it changes, and what the API changed since then holds. So
/// the file is not compared with the registry but with itself, as it was when it was last applied; that memory is kept
/// in the store beside the registry, and a restart neither undoes what the API did nor overlooks an entry that left the
/// file meanwhile. The hard case is an entry that left while its service was registered anew by the API: the command
/// says that only the file's own service may be removed.
public struct FileReconciliation: Hashable, Sendable {
    /// One service of the file, and a text that changes with any of its fields.
    public struct Entry: Hashable, Sendable {
        public var definition: ServiceDefinition
        public var fingerprint: String

        public init(definition: ServiceDefinition, fingerprint: String) {
            self.definition = definition
            self.fingerprint = fingerprint
        }

        public init(_ definition: ServiceDefinition) {
            let text = JSONValue.object(ServiceForm.json(definition)).serialized()
            self.init(definition: definition, fingerprint: Self.hexadecimal(StableHash.of(text)))
        }

        private static func hexadecimal(_ number: UInt64) -> String {
            let digits = String(number, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }
    }

    /// New or changed entries, by id.
    public let register: [Entry]
    /// Ids of entries that left the file: their services go if they are still the file's. By id.
    public let remove: [String]

    /// Compares the file with what of it was applied, fingerprints by id.
    public init(applied: [String: String], entries: [Entry]) {
        let present = Set(entries.map(\.definition.id.text))
        self.register = entries.filter { applied[$0.definition.id.text] != $0.fingerprint }
            .sorted { $0.definition.id < $1.definition.id }
        self.remove = applied.keys.filter { !present.contains($0) }.sorted()
    }

    public var isEmpty: Bool { self.register.isEmpty && self.remove.isEmpty }
}
