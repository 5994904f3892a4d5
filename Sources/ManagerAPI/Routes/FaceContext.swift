public import Hummingbird

/// What Hummingbird hands along with a request, and the caller's presence where there is a connection to watch.
public struct FaceContext: RequestContext {
    public var coreContext: CoreRequestContextStorage
    var caller: CallerPresence?
    /// Of the caller's side of the connection.
    let address: String

    public init(source: ApplicationRequestContextSource) {
        self.coreContext = .init(source: source)
        self.caller = nil
        self.address = source.channel.remoteAddress?.ipAddress ?? ""
    }
}
