internal import NIOCore

/// A range of addresses in CIDR notation, such as `10.0.0.0/8`; a plain address is a range of one.
struct AddressBlock: Sendable, Hashable {
    private let prefix: [UInt8]
    private let bits: Int

    /// Nil when the text is no CIDR block.
    init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let first = parts.first,
            let address = try? SocketAddress(ipAddress: String(first), port: 0),
            let bytes = Self.bytes(of: address)
        else { return nil }
        let bits = parts.count == 2 ? Int(parts[1]) : bytes.count * 8
        guard let bits, bits >= 0, bits <= bytes.count * 8 else { return nil }
        self.prefix = bytes
        self.bits = bits
    }

    func contains(_ address: [UInt8]) -> Bool {
        guard address.count == self.prefix.count else { return false }
        for index in 0..<(self.bits / 8) where address[index] != self.prefix[index] { return false }
        let rest = self.bits % 8
        guard rest > 0 else { return true }
        let mask = UInt8(truncatingIfNeeded: 0xFF00 >> rest)
        return address[self.bits / 8] & mask == self.prefix[self.bits / 8] & mask
    }

    /// Four or sixteen bytes in network order; nil for a Unix socket.
    static func bytes(of address: SocketAddress) -> [UInt8]? {
        switch address {
        // The address stands at these offsets of `sockaddr_in` and `sockaddr_in6`, on Linux as on Darwin.
        case .v4(let address): withUnsafeBytes(of: address.address) { Array($0[4..<8]) }
        case .v6(let address): withUnsafeBytes(of: address.address) { Array($0[8..<24]) }
        case .unixDomainSocket: nil
        }
    }

    /// IPv4 addresses that an IPv6 address stands for: mapped, compatible, NAT64 and 6to4.
    static func embeddedIPv4(in address: [UInt8]) -> [[UInt8]] {
        guard address.count == 16 else { return [] }
        let tail = Array(address[12...])
        let zeros = [UInt8](repeating: 0, count: 10)
        if Array(address[..<10]) == zeros, address[10] == 0xFF, address[11] == 0xFF { return [tail] }
        if Array(address[..<12]) == zeros + [0, 0], tail != [0, 0, 0, 1] { return [tail] }
        if Array(address[..<4]) == [0x00, 0x64, 0xFF, 0x9B] { return [tail] }
        if Array(address[..<2]) == [0x20, 0x02] { return [Array(address[2..<6])] }
        return []
    }

    static func text(_ address: [UInt8]) -> String {
        if address.count == 4 { return address.map(String.init).joined(separator: ".") }
        return stride(from: 0, to: 16, by: 2)
            .map { String(UInt16(address[$0]) << 8 | UInt16(address[$0 + 1]), radix: 16) }.joined(separator: ":")
    }
}
