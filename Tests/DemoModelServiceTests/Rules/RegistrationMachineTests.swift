import Testing

@testable import DemoModelService

@Suite struct `The registration machine` {
    @Test func `knocks ever more slowly until the manager takes it, then rests`() {
        var machine = RegistrationMachine(lease: nil)
        #expect(machine.registered(status: nil) == .register(after: .milliseconds(250)))
        #expect(machine.registered(status: 503) == .register(after: .milliseconds(500)))
        #expect(machine.registered(status: 422) == .register(after: .seconds(1)))
        for _ in 0..<5 { _ = machine.registered(status: nil) }
        #expect(machine.registered(status: nil) == .register(after: .seconds(5)))
        #expect(machine.registered(status: 201) == .rest)
    }

    @Test func `renews a lease three times in its length, and sooner after a failure`() {
        var machine = RegistrationMachine(lease: 6)
        #expect(machine.registered(status: 201) == .heartbeat(after: .seconds(2)))
        #expect(machine.heartbeat(status: 200) == .heartbeat(after: .seconds(2)))
        #expect(machine.heartbeat(status: nil) == .heartbeat(after: .milliseconds(250)))
        #expect(machine.heartbeat(status: 503) == .heartbeat(after: .milliseconds(500)))
        #expect(machine.heartbeat(status: 200) == .heartbeat(after: .seconds(2)))
    }

    @Test func `registers again when the manager has forgotten it`() {
        var machine = RegistrationMachine(lease: 6)
        _ = machine.registered(status: 201)
        #expect(machine.heartbeat(status: 404) == .register(after: .zero))
    }
}

@Suite struct `A manager's address` {
    @Test(arguments: [
        ("http://127.0.0.1:8008", "127.0.0.1", 8008, ""), ("http://manager", "manager", 80, ""),
        ("http://manager:1/", "manager", 1, ""), ("http://manager/mm/", "manager", 80, "/mm"),
    ])
    func `is read from a URL`(text: String, host: String, port: Int, prefix: String) {
        let address = ManagerAddress(text)
        #expect(address?.host == host)
        #expect(address?.port == port)
        #expect(address?.prefix == prefix)
    }

    @Test(arguments: ["", "manager:8008", "https://manager", "http://", "http://u@h", "http://h?x=1", "http://h:0"])
    func `is refused when it is something else`(text: String) {
        #expect(ManagerAddress(text) == nil)
    }
}
