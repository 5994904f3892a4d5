/// The series the service is trained on: mean sunspot numbers of the years 1700 to 2008, public domain.
///
/// Real, short, and hard enough: cycles of about eleven years whose heights differ by a factor of three.
enum Sunspots {
    /// Values are divided by this for the network, which works around ±1.
    static let scale = 200.0
    /// Years at the end that training never sees, to judge the forecasts by.
    static let heldOutYears = 50

    static let values = Self.parse(PackageResources.sunspots_csv)
    static let training = Array(values.dropLast(heldOutYears))

    /// Reads the second column; lines without a number there (the heading) are no values.
    static func parse(_ bytes: [UInt8]) -> [Double] {
        String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).compactMap { line in
            line.split(separator: ",").dropFirst().first.flatMap { Double($0) }
        }
    }
}
