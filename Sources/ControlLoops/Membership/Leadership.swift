public import Registry

/// Whether this replica leads: what a loop that only the leader runs has to know.
public protocol Leadership: Sendable {
    /// Under which this replica leads, to be asked before each step and given to every write of it; nil when it does not.
    var term: Term? { get }
    /// The handler is called each time this replica was elected; it must not wait.
    func onElected(_ handler: @escaping @Sendable () -> Void)
}
