internal import NIOCore
internal import NIOSSL
internal import Registry
internal import Synchronization

/// TLS towards instances: a certificate must be of a known authority, in force, and for the host or address that the
/// `service_url` names. (The library also takes one for the very address that the name was resolved to.)
///
/// The context is made at the first `https` instance and kept, so that a replica without any pays nothing.
final class UpstreamTLS: Sendable {
    private let authorities: ServiceAuthorities?
    private let context = Mutex<NIOSSLContext?>(nil)

    init(_ authorities: ServiceAuthorities?) {
        self.authorities = authorities
    }

    func handler(for url: ServiceURL) throws -> NIOSSLClientHandler {
        let context = try self.context.withLock { known in
            if let known { return known }
            let made = try NIOSSLContext(configuration: self.configuration)
            known = made
            return made
        }
        // An address stands in no SNI; the certificate is then checked against the address itself.
        let isAddress = (try? SocketAddress(ipAddress: url.host, port: 0)) != nil
        return try NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : url.host)
    }

    private var configuration: TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        if let authorities { configuration.additionalTrustRoots = [.certificates(authorities.certificates)] }
        return configuration
    }

    /// Why a handshake failed, for operators; nil for an error after it. Before the handshake ends no request leaves;
    /// any later error may come after the instance has seen one.
    static func refusal(_ error: any Error) -> UpstreamEnd? {
        switch error {
        case NIOSSLError.handshakeFailed(let reason): UpstreamEnd(.tls, self.words(for: reason))
        case let error as NIOSSLExtraError where error == .failedToValidateHostname:
            UpstreamEnd(.tls, "the certificate is for another host")
        default: nil
        }
    }

    private static func words(for reason: BoringSSLError) -> String {
        let text = "\(reason)"
        if text.contains("CERTIFICATE_VERIFY_FAILED") {
            return "the certificate is expired or of an unknown authority (SERVICE_CA_FILE names private ones)"
        }
        return text.contains("WRONG_VERSION_NUMBER") ? "it does not speak TLS on this port" : "TLS handshake: \(text)"
    }
}
