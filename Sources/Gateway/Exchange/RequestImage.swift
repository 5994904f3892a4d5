internal import NIOCore
internal import Registry

/// One caller's request as instances get it, in one reusable buffer: `[headroom][common lines][body]`.
///
/// What is the same for every instance is written once. The request line and `host` of the chosen instance (and the
/// caller's credentials, if its service wants them) are written right-aligned into the headroom, so that a failover
/// rewrites a few dozen bytes and every attempt is a single write. Once a connection is warm, no request allocates.
struct RequestImage {
    private(set) var buffer = ByteBuffer()
    private(set) var bodyStart = 0
    /// The id of this request, kept or made; a place in the buffer.
    private(set) var requestID = ByteRange.none
    private var commonStart = 0
    private var credentials: [UInt8] = []

    /// An idle connection keeps no more than this.
    static let idleBytesMax = 64 * 1024
    static let hopsMax = 8
    private static let requestIDBytesMax = 128
    /// Everything in the common lines but the caller's own bytes and the id of the replica.
    private static let fixedLinesBytesMax = 512

    init() {}

    /// The same request with another body, for instances that must answer in plain text: `accept-encoding` is left out.
    /// For the few requests that ask several models; costs a copy.
    init(_ other: RequestImage, body: [UInt8]) {
        self.init(other, body: body, without: ["accept-encoding", "content-length"], adding: "")
    }

    /// The same request in JSON of our own making, for a translated one: whatever was said about the form of the body and
    /// of the answer is left out.
    init(_ other: RequestImage, json body: [UInt8]) {
        let form: Set = [
            "accept", "accept-encoding", "content-encoding", "content-length", "content-type",
            "inference-header-content-length",
        ]
        self.init(other, body: body, without: form, adding: "content-type: application/json\r\n")
    }

    /// The same request, whose body is in that content coding. Costs a copy.
    init(_ other: RequestImage, encoding: String) {
        let body = other.buffer.getBytes(at: other.bodyStart, length: other.bodyBytes) ?? []
        self.init(other, body: body, without: ["content-length"], adding: "content-encoding: \(encoding)\r\n")
    }

    private init(_ other: RequestImage, body: [UInt8], without: Set<String>, adding: String) {
        let lines = other.buffer.getSlice(at: other.commonStart, length: other.bodyStart - other.commonStart)
        self.commonStart = other.commonStart
        self.credentials = other.credentials
        self.buffer.reserveCapacity(other.bodyStart + body.count + 32)
        self.buffer.writeRepeatingByte(0, count: other.commonStart)
        var start = other.commonStart
        for line in (lines ?? ByteBuffer()).readableBytesView.split(separator: UInt8(ascii: "\n")) where line.count > 1
        {
            let name = String(decoding: line.prefix { $0 != UInt8(ascii: ":") }, as: UTF8.self).lowercased()
            if start <= other.requestID.offset, other.requestID.offset < start + line.count {
                let offset = self.buffer.writerIndex + other.requestID.offset - start
                self.requestID = ByteRange(from: offset, to: offset + other.requestID.count)
            }
            start += line.count + 1
            guard !without.contains(name) else { continue }
            self.buffer.writeBytes(line)
            self.buffer.writeInteger(UInt8(ascii: "\n"))
        }
        self.buffer.writeString("\(adding)content-length: \(body.count)\r\n\r\n")
        self.bodyStart = self.buffer.writerIndex
        self.buffer.writeBytes(body)
    }

    /// Given back as soon as its request has ended.
    var isLarge: Bool { self.buffer.capacity > Self.idleBytesMax }
    var bodyBytes: Int { self.buffer.writerIndex - self.bodyStart }

    /// Writes the common lines.
    mutating func begin(_ head: RequestHead, _ bytes: UnsafeRawBufferPointer, plane: LoopPlane) throws(Problem) {
        try Self.checkHops(head, bytes, plane: plane)
        let headroom = plane.table.headroomBytes + self.takeCredentials(head, bytes, plane: plane)
        let room =
            headroom + head.forwardableBytesMax + Self.fixedLinesBytesMax + Self.requestIDBytesMax
            + plane.viaEntry.count + min(max(0, head.contentLength), Self.idleBytesMax)
        var requestID = ByteRange.none
        self.buffer.clear()
        self.buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { target in
            var writer = ByteWriter(target, from: headroom)
            writer.write { head.copyForwardable(of: bytes, into: $0, dropCredentials: true) }
            requestID = Self.writeRequestID(head, bytes, to: &writer, plane: plane)
            Self.writeTrace(head, bytes, to: &writer, plane: plane)
            Self.writeVia(head, bytes, to: &writer, plane: plane)
            if !head.contentType.isPresent { writer.write("content-type: application/json\r\n") }
            writer.write("content-length: ")
            writer.write(decimal: max(0, head.contentLength))
            writer.write("\r\n\r\n")
            return writer.count
        }
        self.requestID = requestID
        self.commonStart = headroom
        self.bodyStart = self.buffer.writerIndex
    }

    @inline(__always)
    mutating func append(_ body: UnsafeRawBufferPointer) {
        self.buffer.writeBytes(body)
    }

    @inline(__always)
    func withBody<Found>(_ read: (UnsafeRawBufferPointer) throws(Refusal) -> Found) throws(Refusal) -> Found {
        let result = self.buffer.withUnsafeReadableBytes { bytes -> Result<Found, Refusal> in
            do throws(Refusal) {
                return .success(try read(UnsafeRawBufferPointer(rebasing: bytes[self.bodyStart...])))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    var requestIDText: String {
        self.buffer.getString(at: self.requestID.offset, length: self.requestID.count) ?? ""
    }

    /// The value of a line that the caller sent and that is passed on; for the few requests whose copies need it.
    func passedOn(_ name: String) -> String? {
        let lines = self.buffer.getSlice(at: self.commonStart, length: self.bodyStart - self.commonStart)
        for line in (lines ?? ByteBuffer()).readableBytesView.split(separator: UInt8(ascii: "\n")) {
            let parts = line.split(separator: UInt8(ascii: ":"), maxSplits: 1)
            guard parts.count == 2, String(decoding: parts[0], as: UTF8.self).lowercased() == name else { continue }
            let blanks: Set<UInt8> = [0x20, 0x09, 0x0D]
            return String(decoding: parts[1].filter { !blanks.contains($0) }, as: UTF8.self)
        }
        return nil
    }

    /// The whole request for one instance. The buffer returned shares this one's memory.
    mutating func request(_ line: [UInt8], withCredentials: Bool) -> ByteBuffer {
        let credentials = withCredentials ? self.credentials : []
        let needed = line.count + credentials.count
        if needed > self.commonStart { self.widen(to: needed) }
        let start = self.commonStart - needed
        self.buffer.setBytes(line, at: start)
        if !credentials.isEmpty { self.buffer.setBytes(credentials, at: start + line.count) }
        var request = self.buffer
        request.moveReaderIndex(to: start)
        return request
    }

    /// Called when the connection has nothing to do: gives back what a large body took.
    mutating func rest() {
        guard self.isLarge else { return }
        self.buffer = ByteBuffer()
    }

    /// A table that came after `begin` has a longer request line. Rare; costs one copy.
    private mutating func widen(to headroom: Int) {
        let shift = headroom - self.commonStart
        var wide = ByteBuffer()
        wide.reserveCapacity(self.buffer.writerIndex + shift)
        wide.writeRepeatingByte(0, count: headroom)
        wide.writeImmutableBuffer(
            self.buffer.getSlice(
                at: self.commonStart,
                length: self.buffer.writerIndex - self.commonStart
            ) ?? ByteBuffer()
        )
        self.buffer = wide
        self.commonStart += shift
        self.bodyStart += shift
        self.requestID = ByteRange(from: self.requestID.offset + shift, to: self.requestID.end + shift)
    }

    /// Sets credential lines aside when any service at all wants them; returns how much room they take.
    private mutating func takeCredentials(_ head: RequestHead, _ bytes: UnsafeRawBufferPointer, plane: LoopPlane) -> Int
    {
        if !self.credentials.isEmpty { self.credentials.removeAll(keepingCapacity: true) }
        guard head.hasCredentials, plane.table.forwardsAuthorization else { return 0 }
        var lines = head.lines(of: bytes)
        while let line = lines.nextLine() {
            guard line.header.fateInRequest == .credential, line.header != .proxyAuthorization,
                line.header != head.withheld
            else { continue }
            self.credentials.append(contentsOf: line.line.bytes(of: bytes))
        }
        return self.credentials.count
    }

    // MARK: Lines of our own

    private static func writeRequestID(
        _ head: RequestHead,
        _ bytes: UnsafeRawBufferPointer,
        to writer: inout ByteWriter,
        plane: LoopPlane
    ) -> ByteRange {
        writer.write("x-request-id: ")
        let start = writer.count
        let sent = head.requestID.bytes(of: bytes)
        if head.requestID.isPresent, (1...Self.requestIDBytesMax).contains(sent.count),
            sent.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        {
            writer.write(sent)
        } else {
            plane.writeRequestID(to: &writer)
        }
        let range = ByteRange(from: start, to: writer.count)
        writer.write("\r\n")
        return range
    }

    /// The same trace, a span of our own; a trace of our own when the caller has none.
    private static func writeTrace(
        _ head: RequestHead,
        _ bytes: UnsafeRawBufferPointer,
        to writer: inout ByteWriter,
        plane: LoopPlane
    ) {
        writer.write("traceparent: 00-")
        let sent = head.traceparent.bytes(of: bytes)
        let isContinued = head.traceparent.isPresent && TraceParent.isValid(sent)
        if isContinued {
            writer.write(UnsafeRawBufferPointer(rebasing: sent[3..<35]))
        } else {
            writer.write(hexadecimal: plane.random.next())
            writer.write(hexadecimal: plane.random.next())
        }
        writer.write("-")
        writer.write(hexadecimal: plane.random.next())
        writer.write("-")
        if isContinued { writer.write(UnsafeRawBufferPointer(rebasing: sent[53..<55])) } else { writer.write("00") }
        writer.write("\r\n")
    }

    private static func writeVia(
        _ head: RequestHead,
        _ bytes: UnsafeRawBufferPointer,
        to writer: inout ByteWriter,
        plane: LoopPlane
    ) {
        writer.write("via: ")
        if head.via.isPresent {
            writer.write(head.via.bytes(of: bytes))
            writer.write(", ")
        }
        writer.write(plane.viaEntry)
        writer.write("\r\n")
    }

    /// A request that passed this replica before, or many managers, goes in circles.
    private static func checkHops(_ head: RequestHead, _ bytes: UnsafeRawBufferPointer, plane: LoopPlane)
        throws(Problem)
    {
        guard head.via.isPresent else { return }
        var (hops, isOwn) = (0, false)
        var list = HeaderList(bytes, head.via)
        while let hop = list.nextMember() {
            hops += 1
            if hop.bytes(of: bytes).elementsEqual(plane.viaEntry) { isOwn = true }
        }
        guard isOwn || hops > Self.hopsMax else { return }
        throw Problem(.invalidRequest, "the request goes in a loop: it passed \(hops) hops, see its via header")
    }
}
