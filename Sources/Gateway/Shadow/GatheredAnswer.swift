internal import Decisions
internal import NIOCore
internal import Registry

/// One answer as it comes, kept as far as it is compared: the caller's, or the copy's.
struct GatheredAnswer {
    /// The body of a longer answer is not kept.
    static let bytesMax = 64 * 1024
    static let restingBytesMax = 4 * 1024

    private(set) var answer = ShadowAnswer()
    private var isTooLong = false

    /// The body that follows is in these words.
    mutating func began(
        _ exchange: Exchange,
        _ head: ResponseHead,
        _ headBytes: UnsafeRawBufferPointer,
        speaks protocolWords: RoutePool.Capability
    ) {
        self.began(exchange, status: head.status)
        guard protocolWords == .inference else { return }
        self.answer.form = .inference(jsonBytes: Self.jsonBytes(head, headBytes))
    }

    mutating func began(_ exchange: Exchange, status: Int) {
        self.answer.status = status
        self.answer.latencyMicroseconds = exchange.upstreamNanoseconds / 1000
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        self.isTooLong = self.isTooLong || self.answer.body.count + bytes.count > Self.bytesMax
        if self.isTooLong { self.answer.body = [] } else { self.answer.body.append(contentsOf: bytes) }
    }

    private static func jsonBytes(_ head: ResponseHead, _ headBytes: UnsafeRawBufferPointer) -> Int? {
        var lines = head.lines(of: headBytes)
        while let line = lines.nextLine() {
            let name = String(decoding: line.name.bytes(of: headBytes), as: UTF8.self)
            guard name.lowercased() == "inference-header-content-length" else { continue }
            return Int(String(decoding: line.value.bytes(of: headBytes), as: UTF8.self)) ?? -1
        }
        return nil
    }

    /// Ready for another one. Of the memory little is kept.
    mutating func clear() {
        self.isTooLong = false
        self.answer.status = 0
        self.answer.latencyMicroseconds = 0
        self.answer.form = .native
        guard !self.answer.body.isEmpty || self.answer.body.capacity > Self.restingBytesMax else { return }
        let keeps = self.answer.body.capacity <= Self.restingBytesMax
        if keeps { self.answer.body.removeAll(keepingCapacity: true) } else { self.answer.body = [] }
    }

    /// The instance broke off: as good as none.
    mutating func broke() { self.answer.status = 0 }
}
