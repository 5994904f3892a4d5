import Registry

/// The values of all settings as text, merged from their layers, and strict readers of them.
///
/// Written by hand because the available library returns the default, silently, for a value that it cannot parse.
struct SettingValues: Sendable {
    private var values: [String: String] = [:]

    /// - Parameters: option beats environment beats the file's `settings` object beats the default.
    init(options: [String: String], environment: [String: String], file: [String: String]) throws(ConfigurationError) {
        let known = Set(Setting.all.map(\.name))
        for name in file.keys.sorted() where !known.contains(name) && !Setting.notYet.contains(name) {
            throw ConfigurationError(
                variable: "settings.\(name)",
                value: file[name] ?? "",
                allowed: "there is no setting of this name"
            )
        }
        for name in Setting.notYet {
            guard let value = options[name] ?? environment[name] ?? file[name] else { continue }
            throw ConfigurationError(
                variable: name,
                value: value,
                allowed: "this version does not support it yet; leave it unset"
            )
        }
        for setting in Setting.all {
            self.values[setting.name] =
                options[setting.name] ?? environment[setting.name] ?? file[setting.name] ?? setting.defaultText
        }
    }

    /// Nil when empty.
    func text(_ name: String) -> String? {
        let value = self.values[name] ?? ""
        return value.isEmpty ? nil : value
    }

    func integer(_ name: String, in range: ClosedRange<Int>) throws(ConfigurationError) -> Int {
        guard let number = Int(self.values[name] ?? ""), range.contains(number) else {
            throw self.refusal(name, "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func number(_ name: String, in range: ClosedRange<Double>) throws(ConfigurationError) -> Double {
        guard let number = Double(self.values[name] ?? ""), range.contains(number) else {
            throw self.refusal(name, "a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func seconds(_ name: String, in range: ClosedRange<Double>) throws(ConfigurationError) -> Duration {
        guard let number = Double(self.values[name] ?? ""), range.contains(number) else {
            throw self.refusal(name, "seconds from \(range.lowerBound) to \(range.upperBound), fractions allowed")
        }
        return .nanoseconds(Int64(number * 1e9))
    }

    func choice<Choice: RawRepresentable & CaseIterable>(_ name: String, of type: Choice.Type)
        throws(ConfigurationError) -> Choice
    where Choice.RawValue == String {
        guard let choice = Choice(rawValue: self.values[name] ?? "") else {
            throw self.refusal(name, "one of \(type.allCases.map(\.rawValue).joined(separator: " "))")
        }
        return choice
    }

    func list(_ name: String) -> [String] {
        (self.text(name) ?? "").split(whereSeparator: { $0 == "," || $0 == " " }).map(String.init)
    }

    func name(_ name: String) throws(ConfigurationError) -> String? {
        guard let text = self.text(name) else { return nil }
        guard NameRule.allows(text) else { throw self.refusal(name, "a name like \(NameRule.pattern)") }
        return text
    }

    func refusal(_ name: String, _ allowed: String) -> ConfigurationError {
        let isSecret = Setting.all.contains { $0.name == name && $0.isSecret }
        return ConfigurationError(
            variable: name,
            value: isSecret ? "(hidden)" : self.values[name] ?? "",
            allowed: allowed
        )
    }
}
