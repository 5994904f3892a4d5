public import Gateway
internal import Registry

/// The file that `SERVICE_TOKENS_FILE` names.
public enum ServiceTokensFile {
    public static func read(atPath path: String) throws(ServicesFileProblem) -> ServiceTokens {
        let text = try ServicesFile.text(atPath: path)
        let json: JSONValue
        do throws(JSONProblem) {
            json = try JSONValue.parse(text)
        } catch {
            throw ServicesFileProblem(line: error.line, column: error.column, sentence: error.sentence)
        }
        do throws(ServiceTokens.Unusable) {
            return try ServiceTokens(json)
        } catch {
            throw ServicesFileProblem(line: 1, column: 1, sentence: "it must be \(error)")
        }
    }
}
