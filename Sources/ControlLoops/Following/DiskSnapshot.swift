internal import ClusterState
internal import FoundationEssentials
internal import Glibc
internal import Registry

/// The file in `DATA_DIR` from which a replica serves when it starts while Redis is away.
///
/// It is replaced whole: a crash leaves the old one or the new one, never half of one. Only its owner may read it,
/// because addresses and metadata of services are nobody else's business.
public struct DiskSnapshot: Sendable {
    public let path: String

    public init(path: String) {
        self.path = path
    }

    /// Nil when there is none.
    public func load() throws -> KeptRegistry? {
        guard access(self.path, F_OK) == 0 else { return nil }
        let data = try Data(contentsOf: URL(filePath: self.path))
        let form = try JSONDecoder().decode(Form.self, from: data)
        guard form.form == Form.current else { return nil }
        return KeptRegistry(
            generation: Generation(form.generation),
            epoch: Epoch(form.epoch),
            contact: Timestamp(milliseconds: form.contact),
            records: form.records.compactMap(\.record)
        )
    }

    public func save(_ kept: KeptRegistry) throws {
        let form = Form(
            form: Form.current,
            generation: kept.generation.text,
            epoch: kept.epoch.rawValue,
            contact: kept.contact.milliseconds,
            records: kept.records.map { Form.Record($0) }
        )
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let fresh = "\(self.path).\(getpid()).new"
        try Self.write(try encoder.encode(form), to: fresh)
        guard rename(fresh, self.path) == 0 else { throw DiskSnapshotError("rename", fresh, errno) }
    }

    private static func write(_ data: Data, to path: String) throws {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw DiskSnapshotError("open", path, errno) }
        defer { close(file) }
        try data.withUnsafeBytes { bytes in
            var written = 0
            while written < bytes.count {
                let count = Glibc.write(file, bytes.baseAddress?.advanced(by: written), bytes.count - written)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { throw DiskSnapshotError("write", path, errno) }
                written += count
            }
        }
        guard fsync(file) == 0 else { throw DiskSnapshotError("fsync", path, errno) }
    }

    /// The file as JSON.
    private struct Form: Codable {
        struct Record: Codable {
            var kind: String
            var id: String
            var stamp: Int64
            var fields: [String: String]

            init(_ record: RegistryRecord) {
                self.kind = record.key.kind.rawValue
                self.id = record.key.id
                self.stamp = record.stamp.rawValue
                self.fields = record.fields
            }

            var record: RegistryRecord? {
                guard let kind = RecordKey.Kind(rawValue: self.kind) else { return nil }
                return RegistryRecord(key: RecordKey(kind, self.id), stamp: Epoch(self.stamp), fields: self.fields)
            }
        }

        static let current = 1

        var form: Int
        var generation: String
        var epoch: Int64
        var contact: Int64
        var records: [Record]
    }
}

/// Which system call failed, on what, and why.
public struct DiskSnapshotError: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String

    init(_ call: String, _ path: String, _ code: Int32) {
        self.description = "\(call) \(path): \(String(cString: strerror(code)))"
    }
}
