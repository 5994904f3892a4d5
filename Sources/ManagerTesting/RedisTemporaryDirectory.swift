import Foundation
import RedisClient
import Synchronization

/// Directories for tests, of mode 0700 and with short paths (a socket's path has 107 bytes at most), removed at the
/// latest when the test process exits.
public enum TemporaryDirectory {
    private static let made = Mutex<(paths: Set<String>, isRegistered: Bool)>(([], false))

    public static func make(_ purpose: String) throws -> String {
        var template = Array("/tmp/mm-\(purpose)-\(String(repeating: "X", count: 6))".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw PrivateRedisError(.directoryUnusable, "mkdtemp failed: \(String(cString: strerror(errno)))")
        }
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let isFirst = self.made.withLock { made in
            made.paths.insert(path)
            defer { made.isRegistered = true }
            return !made.isRegistered
        }
        if isFirst { atexit { TemporaryDirectory.removeAll() } }
        return path
    }

    public static func remove(_ path: String) {
        guard self.made.withLock({ $0.paths.remove(path) }) != nil else { return }
        try? FileManager.default.removeItem(atPath: path)
    }

    private static func removeAll() {
        for path in self.made.withLock({ $0.paths }) { self.remove(path) }
    }
}
