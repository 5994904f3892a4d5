/// A TCP port of loopback that nobody listens on, for servers that cannot choose one themselves.
enum UnusedPort {
    static func find() throws -> Int {
        let port = try RefusingPort(host: "127.0.0.1")
        defer { port.free() }
        return port.number
    }
}
