import RedisClient

/// A certificate authority of a test's own, made with the `openssl` command in a folder that goes with the test.
public struct TestAuthority: Sendable {
    public struct Unusable: Error, CustomStringConvertible {
        public var description: String
    }

    /// A certificate and its key, as paths of PEM files.
    public struct Identity: Sendable {
        public var certificate: String
        public var key: String
    }

    private let folder: ScratchFolder

    /// The authority's own certificate, for who shall trust it.
    public var certificate: String { "\(self.folder.path)/ca.crt" }

    public static func make() async throws -> TestAuthority {
        let authority = TestAuthority(folder: try ScratchFolder())
        try await authority.run(
            """
            openssl ecparam -name prime256v1 -genkey -noout -out ca.key &&
            openssl req -x509 -new -key ca.key -out ca.crt -days 2 -subj /CN=test-authority
            """
        )
        return authority
    }

    /// Issues a certificate. The name is that of its files and differs for each of one authority; subjects are such as
    /// `DNS:localhost,IP:127.0.0.1`; days may be negative, for a certificate that has expired.
    public func issue(_ name: String, for subjects: String, days: Int = 2) async throws -> Identity {
        try await self.run(
            """
            openssl ecparam -name prime256v1 -genkey -noout -out \(name).key &&
            openssl req -new -key \(name).key -out \(name).csr -subj /CN=server &&
            printf 'subjectAltName=\(subjects)' > \(name).names &&
            openssl x509 -req -in \(name).csr -CA ca.crt -CAkey ca.key -CAcreateserial -days \(days) \
                -extfile \(name).names -out \(name).crt
            """
        )
        return Identity(certificate: "\(self.folder.path)/\(name).crt", key: "\(self.folder.path)/\(name).key")
    }

    /// Runs the lines in the folder; throws what they said when they fail.
    private func run(_ script: String) async throws {
        let marked = "(\(script)) && touch done"
        let shell = try await ServerProcess.start("/bin/sh", ["-c", marked], directory: self.folder.path, log: "log")
        await shell.waitForExit()
        guard try self.folder.take("done") else {
            throw Unusable(description: "openssl: \(self.folder.read("log"))")
        }
    }
}
