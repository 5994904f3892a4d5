import Glibc
import NIOCore
import NIOPosix

/// Asks a Redis or a sentinel one thing, as one would with telnet, and returns the bytes it answered; "" when it does
/// not. For what a `Redis` refuses to connect to.
public enum RedisText {
    public static func ask(_ port: Int, _ line: String) async -> String {
        (try? await NIOThreadPool.singleton.runIfActive { self.exchange(port, line) }) ?? ""
    }

    private static func exchange(_ port: Int, _ line: String) -> String {
        guard let address = try? SocketAddress(ipAddress: "127.0.0.1", port: port),
            let file = try? BlockingSocket.connected(to: address, seconds: 2)
        else { return "" }
        defer { close(file) }
        let request = Array("\(line)\r\nQUIT\r\n".utf8)
        guard send(file, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else {
            return ""
        }
        var (answer, chunk) = ([UInt8](), [UInt8](repeating: 0, count: 16_384))
        while case let count = recv(file, &chunk, chunk.count, 0), count > 0 { answer += chunk[..<count] }
        return String(decoding: answer, as: UTF8.self)
    }
}
