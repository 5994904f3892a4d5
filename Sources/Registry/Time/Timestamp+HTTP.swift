extension Timestamp {
    /// The date form of HTTP (RFC 9110, 5.6.7), such as `Sat, 31 Jan 2026 12:00:00 GMT`.
    public var httpDate: String {
        let (days, millisecondOfDay) = self.milliseconds.flooredDivision(by: 86_400_000)
        let date = Self.civilDate(daysSince1970: days)
        let secondOfDay = millisecondOfDay / 1000
        // The first of January 1970 was a Thursday.
        let weekday = Self.weekdays[Int((days + 4).flooredDivision(by: 7).remainder)]
        let clock = [secondOfDay / 3600, secondOfDay / 60 % 60, secondOfDay % 60].map { Self.padded($0, 2) }
        return "\(weekday), \(Self.padded(date.day, 2)) \(Self.months[Int(date.month) - 1]) "
            + "\(Self.padded(date.year, 4)) \(clock.joined(separator: ":")) GMT"
    }

    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
}
