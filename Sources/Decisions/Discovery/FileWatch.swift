/// When a watched file is to be read again.
///
/// Intuition: a look at its label is cheap, reading is not. A label that changed is looked at once more before the file
/// is read, because many editors and `cp` write in several steps and a half-written file would be refused with an
/// alarm; a file that changes all the time is read nevertheless, at every second look.
/// A file that is gone says nothing: what it said last holds.
public struct FileWatch: Hashable, Sendable {
    /// What changes when a file is written or replaced.
    public struct Label: Hashable, Sendable {
        public var modifiedNanoseconds: Int64
        public var bytes: Int64
        public var inode: UInt64

        public init(modifiedNanoseconds: Int64, bytes: Int64, inode: UInt64) {
            self.modifiedNanoseconds = modifiedNanoseconds
            self.bytes = bytes
            self.inode = inode
        }
    }

    private enum State: Hashable, Sendable {
        /// Never looked. Can move to `read` and `gone`.
        case fresh
        /// The file was read with this label. Can move to `moving` and `gone`.
        case read(Label)
        /// Another label was seen once. Can move to `read` and `gone`.
        case moving
        /// Not there. Can move to `read`.
        case gone
    }

    private var state: State = .fresh

    public init() {}

    public enum LookAction: Hashable, Sendable {
        case nothing
        case read
        /// It was there and is not any more, or was not there from the start. Said once.
        case reportGone
    }

    /// The file has this label now; nil when it is not there.
    public mutating func look(_ label: Label?) -> LookAction {
        switch (self.state, label) {
        case (.gone, nil): return .nothing
        case (.fresh, nil), (.read, nil), (.moving, nil):
            self.state = .gone
            return .reportGone
        case (.read(let known), let label?) where known == label: return .nothing
        case (.read, _?):
            self.state = .moving
            return .nothing
        case (.fresh, let label?), (.moving, let label?), (.gone, let label?):
            self.state = .read(label)
            return .read
        }
    }
}
