import ArgumentParser

/// How the program ends when it does not end well; the numbers are those of `sysexits.h`.
enum ProgramExit: Int32 {
    case failed = 1
    case unreachable = 69
    case tryAgainLater = 75
    case wrongConfiguration = 78

    /// Says why in one line on standard error, and gives the error that ends the program with this code.
    func saying(_ sentence: String) -> ExitCode {
        let line = String(sentence.map { $0.isNewline ? " " : $0 })
        StandardStreams.error("model-manager: \(line)\n")
        return ExitCode(self.rawValue)
    }
}
