import Decisions
import Testing

@Suite struct `A file watch` {
    static let first = FileWatch.Label(modifiedNanoseconds: 1, bytes: 10, inode: 7)
    static let second = FileWatch.Label(modifiedNanoseconds: 2, bytes: 10, inode: 7)
    static let third = FileWatch.Label(modifiedNanoseconds: 2, bytes: 10, inode: 8)

    @Test(arguments: [
        ([first], [FileWatch.LookAction.read]),
        ([first, first, first], [.read, .nothing, .nothing]),
        ([first, second, second, second], [.read, .nothing, .read, .nothing]),
        ([first, second, third, second, third], [.read, .nothing, .read, .nothing, .read]),
        ([first, second, first, first], [.read, .nothing, .read, .nothing]),
        ([nil, nil, first], [.reportGone, .nothing, .read]),
        ([first, nil, nil, first, first], [.read, .reportGone, .nothing, .read, .nothing]),
        ([first, second, nil, second], [.read, .nothing, .reportGone, .read]),
    ])
    func `reads what changed, at the second look`(labels: [FileWatch.Label?], actions: [FileWatch.LookAction]) {
        var watch = FileWatch()
        #expect(labels.map { watch.look($0) } == actions)
    }

    /// Every sequence of six looks: the file as it is at last is read when it stays for two more looks, never twice in
    /// a row with one label, and its absence is told once.
    @Test func `overlooks nothing`() {
        let all: [FileWatch.Label?] = [nil, Self.first, Self.second, Self.third]
        for number in 0..<4096 {
            var watch = FileWatch()
            var (known, wasGone) = (FileWatch.Label?.none, false)
            var looks = (0..<6).map { all[number >> (2 * $0) & 3] }
            looks += [looks[5], looks[5]]
            for label in looks {
                switch watch.look(label) {
                case .read: known = label
                case .reportGone: #expect(label == nil && !wasGone)
                case .nothing: break
                }
                wasGone = label == nil
            }
            if let last = looks.last ?? nil { #expect(known == last) }
        }
    }
}
