import CHiredis

/// Builds `RedisValue`s straight from hiredis' reader callbacks, without its `redisReply` tree.
///
/// hiredis announces an array before its elements, depth first; an array is complete when as many values have arrived
/// as were announced, and is then itself a value of the array around it. The announced count is only counted against
/// the limit, never allocated. A callback that returns NULL makes the reader's error sticky; `violation` says why.
final class ReplyBuilder {
    private struct OpenArray {
        var missing: Int
        var values: [RedisValue] = []
    }

    private let limits: ReplyLimits
    private var open: [OpenArray] = []
    private var elements = 0
    private var bytes = 0
    private var finished: RedisValue?
    private(set) var violation: String?

    init(limits: ReplyLimits) {
        self.limits = limits
    }

    /// The complete reply; the builder is ready for the next one.
    func take() -> RedisValue? {
        defer { self.finished = nil }
        self.elements = 0
        self.bytes = 0
        return self.finished
    }

    func add(_ value: RedisValue) -> Bool {
        var value = value
        while var array = self.open.popLast() {
            array.values.append(value)
            array.missing -= 1
            guard array.missing == 0 else {
                self.open.append(array)
                return true
            }
            value = .array(array.values)
        }
        self.finished = value
        return true
    }

    func add(text: UnsafeRawBufferPointer, isError: Bool) -> Bool {
        self.bytes += text.count
        guard self.bytes <= self.limits.replyBytesMax else {
            return self.refuse("a reply of more than \(self.limits.replyBytesMax) bytes")
        }
        return self.add(isError ? .error(String(decoding: text, as: UTF8.self)) : .text(Array(text)))
    }

    func beginArray(announced count: Int) -> Bool {
        guard count >= 0, count <= self.limits.elementsMax - self.elements else {
            return self.refuse("a reply of more than \(self.limits.elementsMax) elements")
        }
        self.elements += count
        guard count > 0 else { return self.add(.array([])) }
        self.open.append(OpenArray(missing: count))
        return true
    }

    private func refuse(_ reason: String) -> Bool {
        self.violation = reason
        return false
    }
}

extension ReplyBuilder {
    /// The callbacks for hiredis. `privdata` of every task is the unretained builder, which its `ReplyDecoder` keeps
    /// alive as long as the reader. They return a token that means nothing but "not NULL", so freeing is nothing.
    static var callbacks: redisReplyObjectFunctions {
        redisReplyObjectFunctions(
            createString: { task, text, count in
                ReplyBuilder.with(task) { builder, type in
                    builder.add(text: .init(start: text, count: count), isError: type == REDIS_REPLY_ERROR)
                }
            },
            createArray: { task, count in
                ReplyBuilder.with(task) { builder, _ in builder.beginArray(announced: Int(count)) }
            },
            createInteger: { task, number in
                ReplyBuilder.with(task) { builder, _ in builder.add(.integer(number)) }
            },
            createNil: { task in ReplyBuilder.with(task) { builder, _ in builder.add(.null) } },
            freeObject: { _ in }
        )
    }

    private static func with(
        _ task: UnsafePointer<redisReadTask>?,
        _ body: (ReplyBuilder, Int32) -> Bool
    ) -> UnsafeMutableRawPointer? {
        guard let task, let context = task.pointee.privdata else { return nil }
        let builder = Unmanaged<ReplyBuilder>.fromOpaque(context).takeUnretainedValue()
        return body(builder, task.pointee.type) ? UnsafeMutableRawPointer(bitPattern: 1) : nil
    }
}
