import Glibc

/// The files of a private Redis: where they are, who may read them, how large the log may become.
enum DataDirectory {
    static let socket = "redis.sock"
    static let log = "redis.log"
    static let lock = "lock"
    private static let logBytesMax = 1024 * 1024

    /// Makes the directory, for nobody but us, when it is missing; returns its absolute path.
    static func prepare(_ directory: String) throws(PrivateRedisError) -> String {
        try self.makeMissing(directory)
        guard let resolved = realpath(directory, nil) else { throw self.unusable(directory, "found") }
        defer { free(resolved) }
        let path = String(cString: resolved)
        guard access(path, R_OK | W_OK | X_OK) == 0 else { throw self.unusable(directory, "written") }
        let socketBytes = "\(path)/\(self.socket)".utf8.count
        guard socketBytes <= RedisConfiguration.socketPathBytesMax else {
            let message =
                "the data directory's path is too long: its socket \(path)/\(self.socket) has \(socketBytes) bytes, "
                + "the system allows \(RedisConfiguration.socketPathBytesMax); set DATA_DIR to a shorter path"
            throw PrivateRedisError(.directoryUnusable, message)
        }
        return path
    }

    /// Empties a log that has grown too large. The server appends to it, so it goes on at the beginning.
    static func boundLog(in directory: String) {
        let path = "\(directory)/\(self.log)"
        var status = stat()
        if stat(path, &status) == 0, status.st_size > self.logBytesMax { truncate(path, 0) }
    }

    /// The last two lines the server wrote, whole ones; usually why it ended: the cause stands before the decision.
    static func lastLogLines(in directory: String) -> String {
        guard let file = fopen("\(directory)/\(self.log)", "re") else { return "it left no log" }
        defer { fclose(file) }
        let isWhole = fseek(file, -2000, SEEK_END) != 0
        let bytes = withUnsafeTemporaryAllocation(byteCount: 2000, alignment: 1) { buffer -> [UInt8] in
            Array(buffer.prefix(fread(buffer.baseAddress, 1, buffer.count, file)))
        }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").dropFirst(isWhole ? 0 : 1)
        return lines.isEmpty ? "its log is empty" : lines.suffix(2).joined(separator: " / ")
    }

    private static func makeMissing(_ directory: String) throws(PrivateRedisError) {
        guard !directory.isEmpty else {
            throw PrivateRedisError(.directoryUnusable, "the data directory's name is empty")
        }
        var path = directory.first == "/" ? "/" : ""
        for name in directory.split(separator: "/") {
            path += path.isEmpty || path.last == "/" ? String(name) : "/\(name)"
            guard mkdir(path, 0o700) == 0 || errno == EEXIST || access(path, F_OK) == 0 else {
                throw self.unusable(path, "made")
            }
        }
    }

    private static func unusable(_ path: String, _ what: String) -> PrivateRedisError {
        let reason = String(cString: strerror(errno))
        return PrivateRedisError(.directoryUnusable, "the data directory \(path) cannot be \(what): \(reason)")
    }
}
