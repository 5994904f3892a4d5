import Registry
import Testing

@Suite struct `The instances of a service` {
    static func service(_ discovery: ServiceDefinition.Discovery, _ addresses: [String]?) throws -> Service {
        let url = try ServiceURL("https://models.example:8443/base")
        var definition = ServiceDefinition(
            id: try #require(ServiceID("m")),
            url: url,
            modelType: try #require(ModelType("LSTM"))
        )
        definition.discovery = discovery
        return Service(
            definition: definition,
            source: .api,
            registeredAt: Timestamp(milliseconds: 0),
            registeredEpoch: Epoch(1),
            epoch: Epoch(1),
            resolution: addresses.map { Resolution(url: url, addresses: $0.compactMap { InstanceAddress($0) }) }
        )
    }

    @Test(arguments: [
        (ServiceDefinition.Discovery.static, ["10.0.0.1:80"] as [String]?, ["https://models.example:8443/base"]),
        (.dns, nil, ["https://models.example:8443/base"]),
        (.dns, [], ["https://models.example:8443/base"]),
        (
            .dns, ["10.0.0.2:8443", "[fd00::1]:99", "10.0.0.1:8443", "10.0.0.2:8443"],
            ["https://10.0.0.1:8443/base", "https://10.0.0.2:8443/base", "https://[fd00::1]:99/base"]
        ),
    ])
    func `are its URL, or one for each address of its name`(
        discovery: ServiceDefinition.Discovery,
        addresses: [String]?,
        urls: [String]
    ) throws {
        #expect(try Self.service(discovery, addresses).instances.map(\.url.description) == urls)
    }

    @Test(arguments: ["10.0.0.1:80", "[fd00::7]:8000", "10.0.0.1:443"]) func `read back as they were written`(
        text: String
    )
        throws
    {
        #expect(try #require(InstanceAddress(text)).description == text)
    }

    @Test(arguments: ["", "10.0.0.1", "[::1]", "10.0.0.1:0", "10.0.0.1:80/x", "a b:1", "10.0.0.1:080"])
    func `refuse what is no address with a port`(text: String) {
        #expect(InstanceAddress(text) == nil)
    }

    @Test func `are bounded`() throws {
        let many = (0..<1000).map { InstanceAddress(host: "10.0.\($0 / 256).\($0 % 256)", port: 80) }
        #expect(Resolution(url: try ServiceURL("http://a"), addresses: many).addresses.count == 256)
    }
}
