/// What `/etc/resolv.conf` says that a question for SRV records must know: whom to ask, and how short names are meant.
struct ResolverConfiguration: Hashable, Sendable {
    /// IP addresses, at most three, as the system's own resolver reads them.
    var servers: [String] = []
    var searchDomains: [String] = []
    /// A name with fewer dots is first tried below the search domains.
    var dotsMin = 1

    static let path = "/etc/resolv.conf"
    private static let serversMax = 3
    private static let searchDomainsMax = 6

    init(_ text: String) {
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
            guard let keyword = words.first, words.count > 1 else { continue }
            switch keyword {
            case "nameserver": if self.servers.count < Self.serversMax { self.servers.append(words[1]) }
            case "search", "domain": self.searchDomains = Array(words.dropFirst().prefix(Self.searchDomainsMax))
            case "options":
                let dots = words.first { $0.hasPrefix("ndots:") }.flatMap { Int($0.dropFirst(6)) }
                if let dots { self.dotsMin = min(max(dots, 0), 15) }
            default: break
            }
        }
        if self.servers.isEmpty { self.servers = ["127.0.0.1"] }
    }

    /// The full names that a name may mean, in the order in which to ask. A name that ends with a dot is full.
    func candidates(for name: String) -> [String] {
        if name.hasSuffix(".") { return [name] }
        let below = self.searchDomains.map { "\(name).\($0)" }
        return name.count { $0 == "." } >= self.dotsMin ? [name] + below : below + [name]
    }
}
