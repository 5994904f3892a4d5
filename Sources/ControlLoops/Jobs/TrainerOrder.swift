internal import ClusterState
internal import Decisions
internal import NIOCore
internal import Registry

/// What a trainer is sent for a job: the caller's body, with the data that the job's source gave.
struct TrainerOrder: Sendable {
    var body: ByteBuffer
    var rows: Int?
    /// Only a trainer that fetches data by itself can take it.
    var needsDataURL = false

    struct Failure: Error {
        var code: Problem.Code
        var sentence: String
        var attempts: [Problem.Attempt] = []
    }

    /// Nil when the job is gone, or Redis cannot be asked before the run is cancelled.
    static func make(for job: Job, desk: JobDesk) async throws(Failure) -> TrainerOrder? {
        guard let bytes = await Self.request(job.id, desk) else { return nil }
        guard let json = try? JSONValue.parse(bytes), let request = try? TrainingRequest.read(json) else {
            throw Failure(code: .validationError, sentence: "the stored request is no training request")
        }
        guard let source = request.dataSource else {
            let body = request.isPassedAsItIs ? bytes : Array(request.trainerBody(adding: []).serialized().utf8)
            return TrainerOrder(body: ByteBuffer(bytes: body))
        }
        return try await Self.order(request, source, desk)
    }

    private static func order(
        _ request: TrainingRequest,
        _ source: DataSource,
        _ desk: JobDesk
    ) async throws(Failure) -> TrainerOrder {
        var fetch = DataFetch(source: source, desk: desk)
        let data: DataFetch.Data
        do throws(DataFetch.Failure) {
            data = try await fetch.run()
        } catch {
            throw Failure(code: error.code, sentence: error.sentence, attempts: fetch.attempts)
        }
        switch data {
        case .table(let table):
            let body = request.trainerBody(adding: [("data", table.json)]).serialized()
            return TrainerOrder(body: ByteBuffer(string: body), rows: table.rows.count)
        case .elsewhere(let url):
            let added: [(String, JSONValue)] = [
                ("data_url", .string(url)), ("data_protocol", .string(source.query.wireProtocol.rawValue)),
            ]
            let body = request.trainerBody(adding: added).serialized()
            return TrainerOrder(body: ByteBuffer(string: body), needsDataURL: true)
        }
    }

    private static func request(_ id: JobID, _ desk: JobDesk) async -> [UInt8]? {
        while !Task.isCancelled {
            do throws(StateError) {
                return try await desk.state.jobRequest(id)
            } catch {
                try? await desk.time.sleep(.milliseconds(250))
            }
        }
        return nil
    }
}
