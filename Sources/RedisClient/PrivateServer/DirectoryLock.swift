import Glibc

/// Ownership of a data directory: an exclusive lock on its file `lock`, which holds the owner's process number.
///
/// The kernel gives the lock up when the owner ends, however it ends, so a lock left behind by a crash does not exist.
/// The file stays: removing it would let two owners lock two files of one name.
final class DirectoryLock: Sendable {
    private let file: Int32

    init(directory: String) throws(PrivateRedisError) {
        let path = "\(directory)/\(DataDirectory.lock)"
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else {
            throw PrivateRedisError(.directoryUnusable, "cannot open \(path): \(String(cString: strerror(errno)))")
        }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            defer { close(file) }
            throw PrivateRedisError(
                .directoryInUse,
                "the data directory \(directory) is in use by \(Self.holder(file)); set DATA_DIR"
            )
        }
        let text = "\(getpid())\n"
        ftruncate(file, 0)
        pwrite(file, text, text.utf8.count, 0)
        self.file = file
    }

    /// Unlocks first: a child that is being started has a copy of the file for a moment, and a lock ends only with the
    /// last of them.
    deinit {
        flock(self.file, LOCK_UN)
        close(self.file)
    }

    private static func holder(_ file: Int32) -> String {
        let text = withUnsafeTemporaryAllocation(byteCount: 32, alignment: 1) { buffer in
            let count = pread(file, buffer.baseAddress, buffer.count, 0)
            return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
        }
        return Int32(text.prefix { $0.isNumber }).map { "the process \($0)" } ?? "another process"
    }
}
