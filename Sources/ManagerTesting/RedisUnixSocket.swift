internal import Glibc
internal import NIOCore

/// Asks whether something accepts connections at a socket's path.
enum UnixSocket {
    static func accepts(_ path: String) -> Bool {
        guard let address = try? SocketAddress(unixDomainSocketPath: path),
            let descriptor = try? BlockingSocket.connected(to: address, seconds: 2)
        else { return false }
        close(descriptor)
        return true
    }
}
