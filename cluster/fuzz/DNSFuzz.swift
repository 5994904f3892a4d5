/// Answers of DNS servers: never crash, never read without end; what is understood is a name and a port.
func fuzzOne(_ bytes: UnsafeRawBufferPointer) {
    let bytes = Array(bytes)
    guard bytes.count >= 2 else { return }
    let id = UInt16(bytes[0]) << 8 | UInt16(bytes[1])
    guard let message = DNSMessage(bytes, to: "_http._tcp.m.example", id: id) else { return }
    for target in message.targets {
        expect(!target.host.isEmpty && target.host.utf8.count < 256, "a target without a name")
        expect(target.port > 0, "a target without a port")
        expect(target.host.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }, "a name with bytes of no name")
    }
}
