import Glibc
import RedisClient

/// A TCP port of loopback that nobody listens on, for servers that cannot choose one themselves.
enum UnusedPort {
    static func find() throws -> Int {
        let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(file) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(file, $0, size) == 0 ? getsockname(file, $0, &size) : -1
            }
        }
        guard status == 0 else { throw PrivateRedisError(.spawnFailed, "no unused port") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
