import NIOSSL

/// Puts what went wrong with TLS into words an operator can act on.
enum TLSFailure {
    /// The words for a channel's error; its own ones when it is not about TLS.
    static func describe(_ error: any Error) -> String {
        if let error = error as? NIOSSLExtraError, error == .failedToValidateHostname {
            return "the server's certificate is for another name than the URL's"
        }
        let text = "\(error)"
        if text.contains("CERTIFICATE_VERIFY_FAILED") {
            return "the server's certificate is not trusted: name its authority with ?ca=FILE"
        }
        return text.contains("WRONG_VERSION_NUMBER") ? "the server does not speak TLS on this port" : text
    }
}
