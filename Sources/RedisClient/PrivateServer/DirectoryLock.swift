import Glibc

/// Ownership of a data directory: an exclusive lock on its file `lock`, which holds the owner's process number, and
/// below it that the owner leaves.
///
/// The kernel gives the lock up when the owner ends, however it ends, so a lock left behind by a crash does not exist.
/// The file stays: removing it would let two owners lock two files of one name.
public final class DirectoryLock: Sendable {
    /// Who holds a directory, as its file says.
    public struct Holder: Sendable, Equatable {
        public var process: Int32
        /// It was told to end and is on its way; told again, it would cut what it has in hand.
        public var isLeaving: Bool
    }

    private let file: Int32

    /// Takes the directory, which must exist.
    public init(directory: String) throws(PrivateRedisError) {
        let path = "\(directory)/\(DataDirectory.lock)"
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else {
            throw PrivateRedisError(.directoryUnusable, "cannot open \(path): \(String(cString: strerror(errno)))")
        }
        guard Self.take(file) else {
            defer { close(file) }
            let holder = Self.read(file).map { "the process \($0.process)" } ?? "another process"
            throw PrivateRedisError(
                .directoryInUse,
                "the data directory \(directory) is in use by \(holder); set DATA_DIR"
            )
        }
        ftruncate(file, 0)
        self.file = file
        self.write("\(getpid())\n")
    }

    /// Unlocks first: a child that is being started has a copy of the file for a moment, and a lock ends only with the
    /// last of them.
    deinit {
        flock(self.file, LOCK_UN)
        close(self.file)
    }

    /// From now on the holder is shown as leaving.
    public func noteLeaving() {
        self.write("\(getpid())\n\(Self.leaving)\n")
    }

    /// Who holds the directory now; nil when nobody does.
    public static func holder(of directory: String) -> Holder? {
        let file = open("\(directory)/\(DataDirectory.lock)", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        // One that cannot be shared is held. One that can is given back when the file is closed.
        return flock(file, LOCK_SH | LOCK_NB) == 0 ? nil : Self.read(file)
    }

    /// Whoever looks whose the directory is shares its lock for a moment, and must not keep a new owner out.
    private static func take(_ file: Int32) -> Bool {
        for _ in 0..<self.triesMax {
            if flock(file, LOCK_EX | LOCK_NB) == 0 { return true }
            guard flock(file, LOCK_SH | LOCK_NB) == 0 else { return false }
            flock(file, LOCK_UN)
            usleep(1000)
        }
        return false
    }

    private static let triesMax = 100

    private func write(_ text: String) {
        pwrite(self.file, text, text.utf8.count, 0)
    }

    private static func read(_ file: Int32) -> Holder? {
        let text = withUnsafeTemporaryAllocation(byteCount: 32, alignment: 1) { buffer in
            let count = pread(file, buffer.baseAddress, buffer.count, 0)
            return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
        }
        let lines = text.split(separator: "\n")
        // A signal to 0 or less would go to many.
        guard let process = lines.first.flatMap({ Int32($0) }), process > 0 else { return nil }
        return Holder(process: process, isLeaving: lines.last == Self.leaving)
    }

    private static let leaving: Substring = "leaving"
}
