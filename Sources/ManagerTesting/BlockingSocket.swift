internal import Glibc
internal import NIOCore

/// A socket that blocks its thread, for tests that look at bare bytes. Whoever asked for it closes it.
enum BlockingSocket {
    struct Unconnected: Error { var reason: Int32 }

    /// Connects to the address; later reads and writes wait at most so many seconds.
    static func connected(to address: SocketAddress, seconds: Int) throws -> Int32 {
        let descriptor = socket(Int32(address.protocol.rawValue), Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw Unconnected(reason: errno) }
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
        guard address.withSockAddr({ connect(descriptor, $0, socklen_t($1)) }) == 0 else {
            defer { close(descriptor) }
            throw Unconnected(reason: errno)
        }
        return descriptor
    }
}
