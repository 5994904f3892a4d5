/// A configuration that must not start: names the variable, its value and what is allowed, in one line.
struct ConfigurationError: Error, Equatable, CustomStringConvertible {
    var variable: String
    var value: String
    var allowed: String

    var description: String {
        "\(self.variable)=\(self.value) is not allowed: \(self.allowed)"
    }
}
