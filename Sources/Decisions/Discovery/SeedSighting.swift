public import Registry

/// A service as it is registered from what a seed's server offers.
///
/// Its id is made of the seed, and of model and version where one server has several: the same server gets the same
/// id at every sweep, from every leader. Names that had to be changed to fit carry a hash of what they were.
public struct SeedSighting: Hashable, Sendable {
    public let definition: ServiceDefinition
    public let source: Service.Source
    /// Changes with anything that was seen.
    public let fingerprint: String

    /// Where the seed stands in the service's metadata.
    public static let seedKey = "seed"
    private static let versionsKey = "versions"

    /// Nil when no name can be made of it.
    public init?(_ offer: Introspection.Offer, at seed: DiscoverySeed, _ discovery: ServiceDefinition.Discovery) {
        var parts = ["probe", seed.url.host, seed.url.isServiceName ? "srv" : String(seed.url.port)]
        if offer.wireProtocol == .oip { parts += [offer.type.text, offer.version?.text ?? ""] }
        guard let id = Self.id(parts) else { return nil }
        var definition = ServiceDefinition(
            id: id,
            url: seed.url,
            modelType: offer.type,
            modelVersion: offer.version ?? .unnamed,
            capabilities: offer.capabilities
        )
        definition.wireProtocol = offer.wireProtocol
        definition.healthPath = offer.healthPath
        definition.discovery = discovery
        definition.metadata = [Self.seedKey: seed.description]
        if !offer.versions.isEmpty { definition.metadata[Self.versionsKey] = offer.versions.joined(separator: ",") }
        self.definition = definition
        self.source = seed.source
        self.fingerprint = FileReconciliation.Entry(definition).fingerprint
    }

    private static func id(_ parts: [String]) -> ServiceID? {
        let whole = parts.filter { !$0.isEmpty }.joined(separator: "-")
        let fitting = String(whole.map { NameRule.allows("x\($0)") ? $0 : "-" })
        guard fitting != whole || fitting.utf8.count > NameRule.bytesMax else { return ServiceID(whole) }
        let mark = String(StableHash.of(whole) % 0xFFFF_FFFF, radix: 16)
        return ServiceID("\(fitting.prefix(NameRule.bytesMax - 9))-\(mark)")
    }
}
