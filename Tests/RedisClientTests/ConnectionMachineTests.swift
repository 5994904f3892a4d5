import NIOCore
import Testing

@testable import RedisClient

@Suite struct `A connection's rules` {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

    private func at(_ milliseconds: Int64) -> NIODeadline { self.start + .milliseconds(milliseconds) }

    private func machine(_ commandsInFlightMax: Int = 10) -> ConnectionMachine {
        ConnectionMachine(commandsInFlightMax: commandsInFlightMax, lateReplyMax: .seconds(1))
    }

    @Test func `give each reply to the oldest request and keep pipelines together`() {
        var machine = self.machine()
        #expect(machine.send(1, commands: 1, deadline: at(500), now: at(0)) == .write(tickBy: at(500)))
        #expect(machine.send(2, commands: 2, deadline: at(500), now: at(1)) == .write(tickBy: at(500)))
        #expect(machine.received(.integer(1)) == .deliver(1, [.integer(1)]))
        #expect(machine.received(.error("ERR a")) == .nothing)
        #expect(machine.received(.integer(3)) == .deliver(2, [.error("ERR a"), .integer(3)]))
        #expect(machine.isIdle)
    }

    @Test func `tell a late caller at its deadline and throw its reply away`() {
        var machine = self.machine()
        _ = machine.send(1, commands: 1, deadline: at(500), now: at(0))
        _ = machine.send(2, commands: 1, deadline: at(900), now: at(0))
        #expect(machine.tick(now: at(499)) == .init(expired: [], close: nil, next: at(500)))
        #expect(machine.tick(now: at(500)) == .init(expired: [1], close: nil, next: at(900)))
        #expect(machine.received(.integer(1)) == .nothing)
        #expect(machine.received(.integer(2)) == .deliver(2, [.integer(2)]))
    }

    @Test func `give the connection up when a reply is too late`() {
        var machine = self.machine()
        _ = machine.send(1, commands: 1, deadline: at(500), now: at(0))
        #expect(machine.tick(now: at(500)) == .init(expired: [1], close: nil, next: at(1500)))
        _ = machine.send(2, commands: 1, deadline: at(3000), now: at(1000))
        let action = machine.tick(now: at(1500))
        #expect(action.expired == [])
        #expect(action.close?.code == .connectionLost)
        let failed = machine.closed(RedisError(.connectionLost, "late"))
        #expect(failed.map(\.id) == [2])
        #expect(failed.map(\.error.isOutcomeUnknown) == [true])
    }

    @Test func `refuse more commands than may be in flight, and late ones`() {
        var machine = self.machine(3)
        #expect(machine.send(1, commands: 2, deadline: at(500), now: at(0)) == .write(tickBy: at(500)))
        #expect(machine.send(2, commands: 2, deadline: at(500), now: at(0)).refusal == .tooManyInFlight)
        #expect(machine.send(3, commands: 1, deadline: at(500), now: at(0)) == .write(tickBy: at(500)))
        _ = machine.received(.null)
        #expect(machine.send(4, commands: 1, deadline: at(500), now: at(1)) == .write(tickBy: at(500)))
        #expect(machine.send(5, commands: 1, deadline: at(2), now: at(2)).refusal == .deadlineExceeded)
    }

    @Test func `keep the place of a cancelled request`() {
        var machine = self.machine()
        _ = machine.send(1, commands: 1, deadline: at(500), now: at(0))
        _ = machine.send(2, commands: 1, deadline: at(500), now: at(0))
        #expect(machine.cancel(1) == true)
        #expect(machine.cancel(1) == false)
        #expect(machine.cancel(7) == false)
        #expect(machine.received(.integer(1)) == .nothing)
        #expect(machine.received(.integer(2)) == .deliver(2, [.integer(2)]))
    }

    @Test func `fail all requests as of unknown outcome when the connection breaks`() {
        var machine = self.machine()
        _ = machine.send(1, commands: 1, deadline: at(500), now: at(0))
        _ = machine.send(2, commands: 2, deadline: at(500), now: at(0))
        _ = machine.received(.null)
        _ = machine.received(.null)
        let failed = machine.closed(RedisError(.connectionLost, "EOF"))
        #expect(failed == [.init(id: 2, error: RedisError(.connectionLost, "EOF", isOutcomeUnknown: true))])
        #expect(machine.closed(RedisError(.connectionLost, "again")) == [])
        #expect(machine.send(3, commands: 1, deadline: at(500), now: at(2)).refusal == .notConnected)
        #expect(machine.received(.null) == .nothing)
        #expect(machine.tick(now: at(9000)) == .init())
    }

    @Test(arguments: [
        ("LOADING Redis is loading the dataset in memory", RedisError.Code.loading),
        ("BUSY Redis is busy running a script.", .busy),
        ("READONLY You can't write against a read only replica.", .readOnly),
        ("MASTERDOWN Link with MASTER is down", .masterDown),
        ("UNBLOCKED force unblock from blocking operation", .unblocked),
        ("CLUSTERDOWN The cluster is down", .clusterDown),
        ("NOAUTH Authentication required.", .noAuth),
        ("ERR max number of clients reached", .tooManyClients),
    ])
    func `close after a reply that says the server is of no use`(text: String, code: RedisError.Code) {
        var machine = self.machine()
        _ = machine.send(1, commands: 1, deadline: at(500), now: at(0))
        _ = machine.send(2, commands: 1, deadline: at(500), now: at(0))
        #expect(machine.received(.error(text)) == .close(RedisError(code, text)))
        let failed = machine.closed(RedisError(code, text))
        #expect(failed.map(\.error.code) == [code, .connectionLost])
        #expect(failed.map(\.error.isOutcomeUnknown) == [false, true])
    }

    @Test(arguments: ["MISCONF Redis is configured to save", "OOM command not allowed", "NOPERM this user", "ERR no"])
    func `stay after a reply that only refuses the command`(text: String) {
        var machine = self.machine()
        _ = machine.send(1, commands: 1, deadline: at(500), now: at(0))
        #expect(machine.received(.error(text)) == .deliver(1, [.error(text)]))
    }

    @Test func `close when a reply comes that nobody asked for`() {
        var machine = self.machine()
        let action = machine.received(.integer(1))
        guard case .close(let error) = action else { return #expect(Bool(false), "\(action)") }
        #expect(error.code == .protocolViolation)
    }
}

extension ConnectionMachine.SendAction {
    fileprivate var refusal: RedisError.Code? {
        guard case .refuse(let error) = self else { return nil }
        return error.code
    }
}
