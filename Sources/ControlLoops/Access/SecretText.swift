/// Keeps what may be a key out of sentences for people.
public enum SecretText {
    /// A key has 43 characters beside its name, a digest 64; words of people are shorter.
    private static let wordLengthMax = 40

    /// The sentence with every longer run of key characters cut down to its first four.
    public static func hidden(in sentence: String) -> String {
        var (shown, run) = ("", "")
        for character in sentence {
            if self.isOfKeys(character) {
                run.append(character)
            } else {
                shown += self.cut(run) + String(character)
                run = ""
            }
        }
        return shown + self.cut(run)
    }

    private static func cut(_ run: String) -> String {
        run.count > self.wordLengthMax ? run.prefix(4) + "…" : run
    }

    private static func isOfKeys(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || "-_+/=".contains(character))
    }
}
