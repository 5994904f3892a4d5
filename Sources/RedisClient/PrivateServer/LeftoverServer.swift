import Glibc
import Logging

/// Ends a server that an earlier manager left in a data directory; normally the kernel has done so.
///
/// It is known by its program's name and its working directory, not by a number in a file, which may be another
/// process' by now. Only the holder of the directory's lock may look.
enum LeftoverServer {
    private static let programs: Set = ["redis-server", "valkey-server"]
    private static let grace = Duration.seconds(5)
    private static let pollInterval = Duration.milliseconds(20)

    static func end(in directory: String, logger: Logger) async {
        for pid in self.find(in: directory) {
            logger.warning("ending a redis left over by an earlier manager", metadata: ["mm.redis.pid": "\(pid)"])
            kill(pid, SIGTERM)
            let patience = ContinuousClock.now + self.grace
            while self.isServer(pid, in: directory), !Task.isCancelled {
                if ContinuousClock.now > patience { kill(pid, SIGKILL) }
                try? await Task.sleep(for: self.pollInterval)
            }
        }
    }

    static func find(in directory: String) -> [pid_t] {
        guard let processes = opendir("/proc") else { return [] }
        defer { closedir(processes) }
        var found: [pid_t] = []
        while let entry = readdir(processes) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let pid = pid_t(name), self.isServer(pid, in: directory) { found.append(pid) }
        }
        return found
    }

    private static func isServer(_ pid: pid_t, in directory: String) -> Bool {
        guard let program = self.programName(pid), self.programs.contains(program) else { return false }
        return self.workingDirectory(pid) == directory
    }

    private static func programName(_ pid: pid_t) -> String? {
        guard let file = fopen("/proc/\(pid)/comm", "re") else { return nil }
        defer { fclose(file) }
        return withUnsafeTemporaryAllocation(byteCount: 64, alignment: 1) { buffer in
            let count = fread(buffer.baseAddress, 1, buffer.count, file)
            return String(decoding: buffer.prefix(count).prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        }
    }

    private static func workingDirectory(_ pid: pid_t) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
            guard let start = buffer.baseAddress else { return nil }
            let count = readlink("/proc/\(pid)/cwd", start, buffer.count)
            guard count > 0 else { return nil }
            return String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }
}
