import Glibc
import Logging

/// How many files and sockets this process may have open.
///
/// A shell or a service manager commonly starts programs with 1,024 and lets them ask for more. Each caller takes one and
/// each connection to an instance another one, so a replica asks, as HAProxy does.
enum OpenFiles {
    /// More than one replica can make use of; some containers allow a thousand million.
    private static let countMax: rlim_t = 1_048_576
    /// Below this number some hundred callers would fill a replica.
    private static let enough: rlim_t = 4096

    /// As many as the system lets this process have; how many these are.
    static func raiseLimit(_ logger: Logger) -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return Int(self.enough) }
        let wanted = max(limit.rlim_cur, min(limit.rlim_max, self.countMax))
        limit.rlim_cur = wanted
        _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        guard wanted < self.enough else { return Int(wanted) }
        logger.warning("few files may be open; raise the limit of open files", metadata: ["mm.files_max": "\(wanted)"])
        return Int(wanted)
    }
}
