internal import Glibc
internal import NIOCore
internal import Synchronization

/// A port that is taken and that nobody need listen on: a connection to it is refused.
///
/// A port that was merely closed may be given to the next test that asks for a free one, which then answers in the dead
/// one's place. So the port is bound before a server shares it, and stays bound after the server's end: the kernel gives
/// a bound port neither to who asks for any port nor to who connects.
final class RefusingPort: Sendable {
    struct Unheld: Error { var reason: Int32 }

    let number: Int
    private let descriptor: Mutex<Int32?>

    /// Takes a free port of the host's address. It stays taken until `free`, at most until the process ends.
    init(host: String) throws {
        let address = try SocketAddress(ipAddress: host, port: 0)
        let descriptor = socket(Int32(address.protocol.rawValue), Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw Unheld(reason: errno) }
        do {
            try Self.bind(descriptor, to: address)
            self.number = try Self.port(of: descriptor)
        } catch {
            close(descriptor)
            throw error
        }
        self.descriptor = Mutex(descriptor)
    }

    func free() {
        self.descriptor.withLock {
            if let descriptor = $0 { close(descriptor) }
            $0 = nil
        }
    }

    /// Sockets of this user may join it there on purpose, by `SO_REUSEPORT` and the port's number.
    private static func bind(_ descriptor: Int32, to address: SocketAddress) throws {
        var shared = Int32(1)
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &shared, socklen_t(MemoryLayout<Int32>.size))
        let status = address.withSockAddr { Glibc.bind(descriptor, $0, socklen_t($1)) }
        guard status == 0 else { throw Unheld(reason: errno) }
    }

    private static func port(of descriptor: Int32) throws -> Int {
        var (address, size) = ([UInt8](repeating: 0, count: 128), socklen_t(128))
        let status = address.withUnsafeMutableBytes { bytes in
            bytes.withMemoryRebound(to: sockaddr.self) { getsockname(descriptor, $0.baseAddress, &size) }
        }
        guard status == 0 else { throw Unheld(reason: errno) }
        // The port is at the same place in the addresses of both families.
        return Int(address[2]) << 8 | Int(address[3])
    }
}
