/// The file that `AUTH_JWKS_FILE` names: a JWK set (RFC 7517) as its issuer publishes it. What it holds is judged by the
/// verifier that is made of it.
public enum TokenKeysFile {
    public static func text(atPath path: String) throws(ServicesFileProblem) -> String {
        let text = try ServicesFile.text(atPath: path)
        guard text.contains(where: { !$0.isWhitespace }) else {
            throw ServicesFileProblem(line: 1, column: 1, sentence: "the file is empty")
        }
        return text
    }
}
