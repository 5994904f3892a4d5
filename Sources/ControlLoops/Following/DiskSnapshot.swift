internal import ClusterState
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

    /// Nil when there is none, or only one of another form.
    public func load() throws -> KeptRegistry? {
        guard access(self.path, F_OK) == 0 else { return nil }
        return Self.registry(try JSONValue.parse(try self.read()))
    }

    public func save(_ kept: KeptRegistry) throws {
        let fresh = "\(self.path).\(getpid()).new"
        try Self.write(Array(Self.json(kept).serialized().utf8), to: fresh)
        guard rename(fresh, self.path) == 0 else { throw DiskSnapshotError("rename", fresh, errno) }
    }

    private func read() throws -> [UInt8] {
        let file = open(self.path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw DiskSnapshotError("open", self.path, errno) }
        defer { close(file) }
        var (bytes, chunk) = ([UInt8](), [UInt8](repeating: 0, count: 65_536))
        while bytes.count <= Self.bytesMax {
            let count = Glibc.read(file, &chunk, chunk.count)
            if count == 0 { return bytes }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw DiskSnapshotError("read", self.path, errno) }
            bytes += chunk[..<count]
        }
        throw DiskSnapshotError("read", self.path, EFBIG)
    }

    /// About thirty times what 10,000 services need.
    private static let bytesMax = 256 << 20

    private static func write(_ data: [UInt8], to path: String) throws {
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
}

// MARK: The file as JSON

extension DiskSnapshot {
    /// Of the file; another one is not read.
    private static let form: Int64 = 1

    private static func json(_ kept: KeptRegistry) -> JSONValue {
        [
            "form": .integer(self.form),
            "generation": .string(kept.generation.text),
            "epoch": .integer(kept.epoch.rawValue),
            "contact": .integer(kept.contact.milliseconds),
            "records": .array(kept.records.map { self.json($0) }),
        ]
    }

    private static func json(_ record: RegistryRecord) -> JSONValue {
        var fields = JSONObject()
        for (name, value) in record.fields.sorted(by: { $0.key < $1.key }) { fields[name] = .string(value) }
        return [
            "kind": .string(record.key.kind.rawValue),
            "id": .string(record.key.id),
            "stamp": .integer(record.stamp.rawValue),
            "fields": .object(fields),
        ]
    }

    private static func registry(_ json: JSONValue) -> KeptRegistry? {
        guard json["form"]?.asInteger == self.form, let generation = json["generation"]?.asString,
            let epoch = json["epoch"]?.asInteger, let contact = json["contact"]?.asInteger,
            let records = json["records"]?.asArray
        else { return nil }
        return KeptRegistry(
            generation: Generation(generation),
            epoch: Epoch(epoch),
            contact: Timestamp(milliseconds: contact),
            records: records.compactMap { self.record($0) }
        )
    }

    private static func record(_ json: JSONValue) -> RegistryRecord? {
        guard let kind = json["kind"]?.asString.flatMap({ RecordKey.Kind(rawValue: $0) }),
            let id = json["id"]?.asString,
            let stamp = json["stamp"]?.asInteger, let members = json["fields"]?.asObject?.members
        else { return nil }
        let fields = members.reduce(into: [:]) { $0[$1.name] = $1.value.asString }
        return RegistryRecord(key: RecordKey(kind, id), stamp: Epoch(stamp), fields: fields)
    }
}

/// Which system call failed, on what, and why.
public struct DiskSnapshotError: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String

    init(_ call: String, _ path: String, _ code: Int32) {
        self.description = "\(call) \(path): \(String(cString: strerror(code)))"
    }
}
