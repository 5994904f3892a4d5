internal import Decisions
internal import Registry

/// Remembers a sampled request with its answer, and puts both on the loop's shelf when the caller has it all.
///
/// Cost for the caller: of the requests that are not sampled an addition; of those that are, copies of at most
/// `Recording.bytesMax`, and of the answer as any tap does. Only good answers are of use. Confined to its event loop.
final class RecordingTap: AnswerTap {
    private let shelf: RecordingShelf
    private let version: VersionMeter.Key
    private let request: [UInt8]

    /// The sink for a request that goes to the pool: the caller itself, unless the request is to be recorded.
    @inline(__always)
    static func sink(_ caller: AnswerSink, _ exchange: Exchange, to pool: RoutePool, in table: RoutingTable)
        -> AnswerSink
    {
        guard table.hasRecordings, let recording = table.recording(of: pool) else { return caller }
        return self.tapped(caller, exchange, pool, recording)
    }

    /// Counted out, not diced: of a million requests of a version on one event loop exactly so many are recorded.
    private static func tapped(
        _ caller: AnswerSink,
        _ exchange: Exchange,
        _ pool: RoutePool,
        _ recording: Recording
    ) -> AnswerSink {
        let lane = pool.meter.lanes[exchange.plane.index]
        lane.recordingDue += recording.perMillion
        guard lane.recordingDue >= 1_000_000 else { return caller }
        lane.recordingDue -= 1_000_000
        let shelf = exchange.plane.recorded
        guard shelf.hasRoom, exchange.image.bodyBytes <= Recording.bytesMax,
            let request = try? exchange.image.withBody({ body throws(Refusal) in Array(body) })
        else { return caller }
        return RecordingTap(caller, shelf, pool.meter.key, request)
    }

    private init(_ caller: AnswerSink, _ shelf: RecordingShelf, _ version: VersionMeter.Key, _ request: [UInt8]) {
        self.shelf = shelf
        self.version = version
        self.request = request
        super.init(caller, speaks: .prediction)
    }

    override func exchangeEnded() {
        let answer = self.gathered.answer
        let bytes = self.request.count + answer.body.count
        if (200..<300).contains(answer.status), !answer.body.isEmpty, bytes <= Recording.bytesMax {
            self.shelf.put(
                RecordedExchange(
                    type: self.version.modelType,
                    version: self.version.version,
                    request: self.request,
                    answer: answer.body
                )
            )
        }
        self.caller.exchangeEnded()
    }
}
