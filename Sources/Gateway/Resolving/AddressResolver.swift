internal import NIOCore
internal import NIOPosix
internal import Registry
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// All addresses that the host of a URL stands for, within a deadline.
///
/// A host such as `_http._tcp.models.example` is a name of SRV records: each target of the best priority is resolved,
/// and its port counts. Any other name goes to the system's resolver, which knows hosts files and local services.
/// That one blocks and cannot be told to stop: it has two threads of its own, so that a dead DNS server costs the
/// request path nothing, and no more than `lookupsMax` lookups wait for them.
struct AddressResolver: Sendable {
    typealias Lookup = @Sendable (_ host: String, _ port: Int) throws -> [SocketAddress]

    static let lookupsMax = 32
    /// Names of SRV records may have more targets; the first ones by priority and name count.
    static let targetsMax = 64

    private static let threads: NIOThreadPool = {
        let threads = NIOThreadPool(numberOfThreads: 2)
        threads.start()
        return threads
    }()
    private static let waiting = Atomic<Int>(0)

    let dns: DNSClient
    let lookup: Lookup

    init(group: any EventLoopGroup, dns: DNSClient? = nil, lookup: @escaping Lookup = HostResolver.addresses) {
        self.dns = dns ?? DNSClient(configuration: Self.systemConfiguration(), group: group)
        self.lookup = lookup
    }

    /// Throws when the name cannot be resolved now; never empty.
    func addresses(of url: ServiceURL, within limit: Duration) async throws(UpstreamFailure) -> [SocketAddress] {
        if let literal = try? SocketAddress(ipAddress: url.host, port: url.port) { return [literal] }
        let addresses =
            url.isServiceName
            ? try await self.behindRecords(url, within: limit)
            : try await self.system(url.host, url.port, within: limit)
        guard !addresses.isEmpty else {
            throw UpstreamFailure(kind: .resolve, detail: "\(url.host) stands for no address")
        }
        return addresses
    }

    /// A target that cannot be resolved is left out while another one can.
    private func behindRecords(_ url: ServiceURL, within limit: Duration) async throws(UpstreamFailure)
        -> [SocketAddress]
    {
        let all = try await self.dns.targets(of: url.host, within: limit / 2)
        let best = all.map(\.priority).min()
        let targets = all.filter { $0.priority == best }.sorted { ($0.host, $0.port) < ($1.host, $1.port) }
        var addresses: [SocketAddress] = []
        var failure: UpstreamFailure?
        let share = limit / 2 / max(1, min(targets.count, Self.targetsMax))
        for target in targets.prefix(Self.targetsMax) {
            do throws(UpstreamFailure) {
                addresses += try await self.system(target.host, Int(target.port), within: share)
            } catch {
                failure = error
            }
        }
        if addresses.isEmpty, let failure { throw failure }
        return addresses
    }

    private func system(_ host: String, _ port: Int, within limit: Duration) async throws(UpstreamFailure)
        -> [SocketAddress]
    {
        guard Self.waiting.wrappingAdd(1, ordering: .relaxed).newValue <= Self.lookupsMax else {
            Self.waiting.wrappingSubtract(1, ordering: .relaxed)
            throw UpstreamFailure(kind: .resolve, detail: "\(host): the system's resolver is stuck")
        }
        let loop = self.dns.group.next()
        let promise = loop.makePromise(of: [SocketAddress].self)
        let deadline = loop.scheduleTask(in: .nanoseconds(limit.inNanoseconds)) {
            promise.fail(UpstreamFailure(kind: .resolve, detail: "\(host): not resolved within \(limit)"))
        }
        let found = Self.threads.runIfActive(eventLoop: loop) { [lookup] in
            defer { Self.waiting.wrappingSubtract(1, ordering: .relaxed) }
            return try lookup(host, port)
        }
        found.whenComplete { result in
            deadline.cancel()
            promise.completeWith(result)
        }
        do {
            return try await promise.futureResult.get()
        } catch {
            throw error as? UpstreamFailure ?? UpstreamFailure(kind: .resolve, detail: "\(host): \(error)")
        }
    }

    private static func systemConfiguration() -> ResolverConfiguration {
        ResolverConfiguration(ShortFile.text(atPath: ResolverConfiguration.path) ?? "")
    }
}

/// Reads a configuration file of the system; anything beyond its bound is not read.
private enum ShortFile {
    static let bytesMax = 64 * 1024

    static func text(atPath path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: Self.bytesMax)
        let count = bytes.withUnsafeMutableBytes { read(file, $0.baseAddress, $0.count) }
        return count < 0 ? nil : String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}
