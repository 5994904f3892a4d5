/// Where an instance listens: `http` or `https`, a host, a port, and a path prefix without its last slash.
///
/// Parsed once, strictly. User info, a query, a fragment, control characters and non-ASCII hosts are refused, because
/// two parsers that read such a URL differently are how a proxy is made to call what it should not.
public struct ServiceURL: Hashable, Sendable {
    public enum Scheme: String, Hashable, Sendable { case http, https }

    public let scheme: Scheme
    /// Lower case; an IPv6 address without its brackets.
    public let host: String
    public let port: Int
    /// Empty, or begins with a slash and does not end with one.
    public let pathPrefix: String

    public static let bytesMax = 2048

    /// Throws a sentence that says what is wrong.
    public init(_ text: String) throws(ServiceURLError) {
        guard text.utf8.count <= Self.bytesMax else { throw ServiceURLError("is longer than \(Self.bytesMax) bytes") }
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw ServiceURLError("contains a blank, a control character or a character outside ASCII")
        }
        let (scheme, rest) = try Self.splitScheme(text)
        let slash = rest.firstIndex { "/?#".contains($0) } ?? rest.endIndex
        let (host, port) = try Self.splitAuthority(rest[..<slash], defaultPort: scheme == .http ? 80 : 443)
        self.scheme = scheme
        self.host = host
        self.port = port
        self.pathPrefix = try Self.pathPrefix(rest[slash...])
    }

    /// What stands in a `Host` header: no port when it is the scheme's own.
    public var authority: String {
        let host = self.host.utf8.contains(UInt8(ascii: ":")) ? "[\(self.host)]" : self.host
        return self.port == (self.scheme == .http ? 80 : 443) ? host : "\(host):\(self.port)"
    }

    /// Whether the host is a name of SRV records, `_service._protocol.name`: it stands for hosts and has none itself.
    public var isServiceName: Bool {
        guard self.host.utf8.first == UInt8(ascii: "_") else { return false }
        let labels = self.host.split(separator: ".", maxSplits: 2)
        return labels.count == 3 && labels[0].hasPrefix("_") && labels[1].hasPrefix("_")
    }

    /// The same service at one address of its host.
    public func reached(at address: InstanceAddress) -> ServiceURL {
        ServiceURL(scheme: self.scheme, host: address.host, port: address.port, pathPrefix: self.pathPrefix)
    }

    private init(scheme: Scheme, host: String, port: Int, pathPrefix: String) {
        self.scheme = scheme
        self.host = host
        self.port = port
        self.pathPrefix = pathPrefix
    }

    private static func splitScheme(_ text: String) throws(ServiceURLError) -> (Scheme, Substring) {
        for scheme in [Scheme.http, .https] {
            let start = "\(scheme.rawValue)://"
            if text.lowercased().hasPrefix(start) { return (scheme, text.dropFirst(start.count)) }
        }
        throw ServiceURLError("must begin with http:// or https://")
    }

    private static func splitAuthority(_ text: Substring, defaultPort: Int) throws(ServiceURLError) -> (String, Int) {
        guard !text.contains("@") else { throw ServiceURLError("must not contain user information") }
        var host = text
        var port = defaultPort
        if let colon = text.lastIndex(of: ":"), !text[colon...].contains("]") {
            let digits = text[text.index(after: colon)...]
            guard !digits.isEmpty, digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let number = Int(digits),
                (1...65535).contains(number)
            else { throw ServiceURLError("has a port that is not between 1 and 65535") }
            (host, port) = (text[..<colon], number)
        }
        return (try Self.checkedHost(host), port)
    }

    private static func checkedHost(_ host: Substring) throws(ServiceURLError) -> String {
        guard !host.isEmpty else { throw ServiceURLError("has no host") }
        if host.hasPrefix("["), host.hasSuffix("]") {
            let address = host.dropFirst().dropLast()
            let isAddress = address.contains(":") && address.allSatisfy { $0.isHexDigit || $0 == ":" || $0 == "." }
            guard isAddress else { throw ServiceURLError("has a host that is no IPv6 address") }
            return address.lowercased()
        }
        let isName = host.utf8.count <= 253 && host.utf8.allSatisfy(Self.isHostByte)
        guard isName else { throw ServiceURLError("has a host with characters that no host name has") }
        return host.lowercased()
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"): true
        default: false
        }
    }

    private static func pathPrefix(_ path: Substring) throws(ServiceURLError) -> String {
        guard !path.contains("?"), !path.contains("#") else {
            throw ServiceURLError("must have neither a query nor a fragment")
        }
        let prefix = path.hasSuffix("/") ? path.dropLast() : path
        let refused = ["//", "/../", "/./", "\\", "%00", "%2f", "%2F", "%5c", "%5C"]
        guard !refused.contains(where: "\(prefix)/".contains) else {
            throw ServiceURLError("has a path that is not in its simplest form")
        }
        return String(prefix)
    }
}

extension ServiceURL: CustomStringConvertible {
    public var description: String { "\(self.scheme.rawValue)://\(self.authority)\(self.pathPrefix)" }
}

/// Why a text is no service URL; completes the sentence "service_url …".
public struct ServiceURLError: Error, Equatable, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}
