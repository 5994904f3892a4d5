internal import Decisions

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// Reads a file's label from the file system.
enum FileLabel {
    /// Nil when there is no regular file; a pipe or a device would be waited for without end.
    static func read(atPath path: String) -> FileWatch.Label? {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        #if canImport(Glibc)
            let modified = status.st_mtim
        #else
            let modified = status.st_mtimespec
        #endif
        return FileWatch.Label(
            modifiedNanoseconds: Int64(modified.tv_sec) &* 1_000_000_000 &+ Int64(modified.tv_nsec),
            bytes: Int64(status.st_size),
            inode: UInt64(status.st_ino)
        )
    }
}
