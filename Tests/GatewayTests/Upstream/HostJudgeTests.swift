import NIOCore
import Testing

@testable import Gateway

@Suite struct `A host judge` {
    @Test(arguments: [
        "169.254.169.254", "169.254.0.1", "0.0.0.0", "0.1.2.3", "224.0.0.1", "255.255.255.255", "100.100.100.200",
        "fe80::1", "ff02::1", "fd00:ec2::254", "::", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "::169.254.169.254", "::ffff:100.100.100.200",
    ]) func `refuses link-local and metadata addresses in every disguise`(text: String) throws {
        let address = try SocketAddress(ipAddress: text, port: 80)
        #expect(HostJudge(HostPolicy()).refuses(address) != nil)
        #expect(HostJudge(HostPolicy(allowed: ["0.0.0.0/0", "::/0", "*"])).refuses(address, host: "x") != nil)
    }

    @Test(arguments: [
        "127.0.0.1", "10.1.2.3", "192.168.0.7", "172.17.0.2", "::1", "fd12::1", "93.184.216.34", "2001:db8::1",
    ])
    func `lets other addresses pass`(text: String) throws {
        let address = try SocketAddress(ipAddress: text, port: 80)
        #expect(HostJudge(HostPolicy()).refuses(address) == nil)
    }

    @Test(arguments: [
        ("10.1.2.3", "a.internal", true), ("10.2.0.1", "a.internal", false), ("192.168.1.1", "model.example", true),
        ("192.168.1.1", "other.example", false), ("10.1.9.9", "x", false),
    ]) func `follows blocks and globs`(text: String, host: String, passes: Bool) throws {
        let judge = HostJudge(HostPolicy(allowed: ["10.1.0.0/16", "model.*"], denied: ["10.1.9.0/24", "*.bad"]))
        let address = try SocketAddress(ipAddress: text, port: 1)
        #expect((judge.refuses(address, host: host) == nil) == passes)
        #expect(judge.refuses(host: "very.bad") != nil)
        #expect(judge.refuses(host: "good.example") == nil)
    }

    @Test(arguments: ["10.0.0.0/33", "10.0.0/8", "host", "10.0.0.0/8/8", "10.0.0.0/-1", ""])
    func `takes nothing else for a block`(text: String) {
        #expect(AddressBlock(text) == nil)
    }
}
