public import Registry

/// The file that `AUTH_KEYS_FILE` names (contract, section 7), checked as a whole: one fault and no key of it counts.
public enum AccessKeysFile {
    public static func read(atPath path: String) throws(ServicesFileProblem) -> [AccessKey] {
        try self.parse(try ServicesFile.text(atPath: path))
    }

    /// Of JSON. The problem names the place and never shows a text that is as long as a key or a digest: whoever put
    /// a key where its name belongs must not find it in the log.
    public static func parse(_ text: String) throws(ServicesFileProblem) -> [AccessKey] {
        guard text.contains(where: { !$0.isWhitespace }) else {
            throw ServicesFileProblem(line: 1, column: 1, sentence: "the file is empty")
        }
        do throws(ServicesFileProblem) {
            return try self.keys(text)
        } catch {
            throw ServicesFileProblem(
                line: error.line,
                column: error.column,
                sentence: SecretText.hidden(in: error.sentence)
            )
        }
    }

    private static func keys(_ text: String) throws(ServicesFileProblem) -> [AccessKey] {
        let value: JSONValue
        do throws(JSONProblem) {
            value = try JSONValue.parse(text)
        } catch {
            throw ServicesFileProblem(line: error.line, column: error.column, sentence: error.sentence)
        }
        do throws(FormProblems) {
            return try AccessKeysForm.read(value)
        } catch {
            throw try MarkedDocument(text).problem(of: error)
        }
    }
}
