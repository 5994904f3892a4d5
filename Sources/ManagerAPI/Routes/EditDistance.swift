/// How many letters must be added, dropped or changed to make one text of another (Levenshtein).
enum EditDistance {
    static func between(_ left: Substring, _ right: Substring) -> Int {
        let target = Array(right.utf8)
        var row = Array(0...target.count)
        for (line, letter) in left.utf8.enumerated() {
            var diagonal = row[0]
            row[0] = line + 1
            for column in target.indices {
                let change = diagonal + (letter == target[column] ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(change, row[column] + 1, diagonal + 1)
            }
        }
        return row[target.count]
    }
}
