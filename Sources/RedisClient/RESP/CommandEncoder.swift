import NIOCore

/// Writes commands as RESP arrays of bulk strings, the only form a client ever sends.
///
/// Written here rather than by hiredis because `redisFormatCommandArgv` allocates twice per command; the codec's other
/// half, the hard one, is hiredis' (`ReplyDecoder`).
enum CommandEncoder {
    static func encode(_ commands: [[RedisWord]], allocator: ByteBufferAllocator = .init()) -> ByteBuffer {
        var buffer = allocator.buffer(capacity: commands.reduce(0) { $0 + self.estimatedBytes(of: $1) })
        for command in commands {
            self.write(UInt8(ascii: "*"), command.count, to: &buffer)
            for word in command {
                self.write(UInt8(ascii: "$"), word.bytes.count, to: &buffer)
                buffer.writeBytes(word.bytes)
                buffer.writeStaticString("\r\n")
            }
        }
        return buffer
    }

    private static func write(_ type: UInt8, _ count: Int, to buffer: inout ByteBuffer) {
        buffer.writeInteger(type)
        buffer.writeString(String(count))
        buffer.writeStaticString("\r\n")
    }

    private static func estimatedBytes(of command: [RedisWord]) -> Int {
        command.reduce(16) { $0 + $1.bytes.count + 16 }
    }
}
