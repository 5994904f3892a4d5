import Glibc
import NIOPosix

/// Asks a Redis or a sentinel one thing, as one would with telnet, and returns the bytes it answered; "" when it does
/// not. For what a `Redis` refuses to connect to.
public enum RedisText {
    public static func ask(_ port: Int, _ line: String) async -> String {
        (try? await NIOThreadPool.singleton.runIfActive { self.exchange(port, line) }) ?? ""
    }

    private static func exchange(_ port: Int, _ line: String) -> String {
        let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard file >= 0 else { return "" }
        defer { close(file) }
        var limit = timeval(tv_sec: 2, tv_usec: 0)
        setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(file, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        let request = Array("\(line)\r\nQUIT\r\n".utf8)
        guard status == 0, send(file, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else {
            return ""
        }
        var (answer, chunk) = ([UInt8](), [UInt8](repeating: 0, count: 16_384))
        while case let count = recv(file, &chunk, chunk.count, 0), count > 0 { answer += chunk[..<count] }
        return String(decoding: answer, as: UTF8.self)
    }
}
