import Foundation
import Glibc

/// Standard output and error as a program that must not die of them sees them.
///
/// Whoever reads the log may end, its disk may be full, and a program may be started with a stream closed. None of
/// that is a reason to stop serving: what cannot be written is dropped. (`FileHandle.write(_: Data)` ends the process.)
enum StandardStreams {
    /// To be called first: gives streams that are closed to `/dev/null`. Else the next file or connection that is opened
    /// bears their number, and the log would be written into it.
    static func fill() {
        for number in STDIN_FILENO...STDERR_FILENO where fcntl(number, F_GETFD) == -1 {
            _ = open("/dev/null", O_RDWR)  // takes the lowest free number, which is this one
        }
    }

    static func output(_ text: String) {
        try? FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
    }

    static func error(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }
}
