import Synchronization

/// The fault machine as all requests share it.
final class FaultSwitch: Sendable {
    private let machine: Mutex<FaultMachine>

    init(_ settings: FaultSettings) {
        var machine = FaultMachine()
        machine.set(settings)
        self.machine = Mutex(machine)
    }

    var settings: FaultSettings { self.machine.withLock { $0.settings } }
    var met: Int { self.machine.withLock { $0.met } }

    func set(_ settings: FaultSettings) { self.machine.withLock { $0.set(settings) } }

    func request() -> FaultMachine.RequestAction { self.machine.withLock { $0.request() } }
}
