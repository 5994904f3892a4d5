internal import NIOCore
internal import Registry

/// Says which hosts and addresses the manager may connect to: `HostPolicy`, parsed once.
///
/// Link-local and cloud metadata addresses are always refused, also in their disguises: an IPv4 address mapped into
/// IPv6, behind a NAT64 prefix, or within a 6to4 one, is judged as that IPv4 address too.
struct HostJudge: Sendable {
    private let allowedBlocks: [AddressBlock]
    private let allowedGlobs: [Glob]
    private let deniedBlocks: [AddressBlock]
    private let deniedGlobs: [Glob]

    private static let alwaysDenied = [
        "169.254.0.0/16", "0.0.0.0/8", "224.0.0.0/4", "255.255.255.255/32", "100.100.100.200/32", "fe80::/10",
        "ff00::/8", "fd00:ec2::254/128", "::/128",
    ].compactMap(AddressBlock.init)

    init(_ policy: HostPolicy) {
        self.allowedBlocks = policy.allowed.compactMap(AddressBlock.init)
        self.allowedGlobs = policy.allowed.filter { AddressBlock($0) == nil }.map { Glob($0.lowercased()) }
        self.deniedBlocks = policy.denied.compactMap(AddressBlock.init)
        self.deniedGlobs = policy.denied.filter { AddressBlock($0) == nil }.map { Glob($0.lowercased()) }
        self.isAllowListed = !policy.allowed.isEmpty
    }

    private let isAllowListed: Bool

    /// Nil: the name may be resolved. Its addresses are judged as well. IPv6 address texts pass here.
    func refuses(host: String) -> String? {
        if self.deniedGlobs.contains(where: { $0.matches(host.lowercased()) }) { return "host \(host) is denied" }
        return nil
    }

    /// Nil: may be connected to.
    func refuses(_ address: SocketAddress, host: String = "") -> String? {
        guard let bytes = AddressBlock.bytes(of: address) else { return "address is of no known family" }
        let forms = [bytes] + AddressBlock.embeddedIPv4(in: bytes)
        for form in forms {
            if Self.alwaysDenied.contains(where: { $0.contains(form) }) {
                return "\(AddressBlock.text(bytes)) is link-local, multicast or a metadata address"
            }
            if self.deniedBlocks.contains(where: { $0.contains(form) }) {
                return "\(AddressBlock.text(bytes)) is denied"
            }
        }
        guard self.isAllowListed else { return nil }
        let isAllowed =
            self.allowedBlocks.contains { block in forms.contains { block.contains($0) } }
            || self.allowedGlobs.contains { $0.matches(host.lowercased()) }
        return isAllowed ? nil : "\(AddressBlock.text(bytes)) is not among the allowed addresses"
    }
}
