/// Gathers the header lines that go on into as few copies as possible: one for each unbroken run of kept lines.
struct KeptLines {
    private let source: UnsafeRawBufferPointer
    private let target: UnsafeMutableRawBufferPointer
    private var runStart = 0
    private var runEnd = 0
    private(set) var copiedBytes = 0
    /// False once the target was too small; what was copied is then worthless.
    private(set) var fits = true

    @inline(__always)
    init(from source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer) {
        self.source = source
        self.target = target
    }

    @inline(__always)
    mutating func keep(_ line: ByteRange) {
        if line.offset != self.runEnd {
            self.flush()
            self.runStart = line.offset
        }
        self.runEnd = line.end
    }

    /// Copies the run that is still open.
    @inline(__always)
    mutating func flush() {
        let count = self.runEnd &- self.runStart
        guard count > 0, self.fits else { return }
        guard self.runEnd <= self.source.count, count <= self.target.count &- self.copiedBytes else {
            self.fits = false
            return
        }
        let run = UnsafeRawBufferPointer(rebasing: self.source[self.runStart..<self.runEnd])
        UnsafeMutableRawBufferPointer(rebasing: self.target[self.copiedBytes...]).copyMemory(from: run)
        self.copiedBytes &+= count
        self.runStart = self.runEnd
    }
}
