internal import Glibc
internal import NIOCore

/// Whether this machine has the IPv6 loopback address; a container may not.
public enum LoopbackSix {
    public static var isThere: Bool {
        guard let address = try? SocketAddress(ipAddress: "::1", port: 0) else { return false }
        let descriptor = socket(AF_INET6, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return address.withSockAddr { bind(descriptor, $0, socklen_t($1)) == 0 }
    }
}
