internal import NIOSSL

/// Certificate authorities that `https` instances are trusted by, beside those of the system: a company's own.
///
/// Read once, at the start, and as a whole: a file that cannot be used must stop the start and not surface as failing
/// instances.
public struct ServiceAuthorities: Sendable {
    /// Why a file cannot be used; completes the sentence "SERVICE_CA_FILE …".
    public struct Unusable: Error, Equatable, CustomStringConvertible {
        public let description: String
    }

    let certificates: [NIOSSLCertificate]

    /// Reads a file of certificates in PEM form, one after the other.
    public init(pemFile path: String) throws(Unusable) {
        do {
            self.certificates = try NIOSSLCertificate.fromPEMFile(path)
        } catch {
            throw Unusable(description: "a readable file of certificates in PEM form")
        }
        guard !self.certificates.isEmpty else { throw Unusable(description: "a file with at least one certificate") }
    }
}
