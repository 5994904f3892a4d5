internal import Registry

/// Reads the fields of a service's hash. An absent or empty field is nil, a senseless one an error that names it.
struct FieldReader {
    typealias Field = ServiceRecord.Field

    let fields: [String: String]

    func text(_ field: Field) -> String? {
        self.fields[field.rawValue].flatMap { $0.isEmpty ? nil : $0 }
    }

    func list(_ field: Field) -> [String] {
        (self.text(field) ?? "").split(separator: ",").map(String.init)
    }

    func integer(_ field: Field) throws(RecordError) -> Int64? {
        guard let text = self.text(field) else { return nil }
        guard let number = Int64(text), number >= 0 else { throw self.senseless(field) }
        return number
    }

    func seconds(_ field: Field) throws(RecordError) -> Duration? {
        guard let text = self.text(field) else { return nil }
        guard let number = Double(text), number >= 0, number <= 1e9 else { throw self.senseless(field) }
        return .seconds(number)
    }

    func flag(_ field: Field) throws(RecordError) -> Bool? {
        guard let text = self.text(field) else { return nil }
        guard let flag = Bool(text) else { throw self.senseless(field) }
        return flag
    }

    func choice<Choice: RawRepresentable<String>>(_ field: Field) throws(RecordError) -> Choice? {
        guard let text = self.text(field) else { return nil }
        guard let choice = Choice(rawValue: text) else { throw self.senseless(field) }
        return choice
    }

    func optionalName<Text: Name>(_ field: Field) throws(RecordError) -> Text? {
        guard let text = self.text(field) else { return nil }
        guard let name = Text(text) else { throw self.senseless(field) }
        return name
    }

    func name<Text: Name>(_ field: Field) throws(RecordError) -> Text {
        guard let name: Text = try self.optionalName(field) else { throw RecordError("lacks \(field.rawValue)") }
        return name
    }

    func url(_ field: Field) throws(RecordError) -> ServiceURL {
        guard let text = self.text(field) else { throw RecordError("lacks \(field.rawValue)") }
        guard let url = try? ServiceURL(text) else { throw self.senseless(field) }
        return url
    }

    func map(_ field: Field) throws(RecordError) -> [String: String] {
        guard let text = self.text(field) else { return [:] }
        guard let map = FieldText.map(text) else { throw self.senseless(field) }
        return map
    }

    private func senseless(_ field: Field) -> RecordError {
        RecordError("has a \(field.rawValue) that makes no sense")
    }
}
