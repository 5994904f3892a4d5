/// Decides for each request whether and how the service misbehaves.
///
/// A share is spread evenly (of 0.25 every fourth request is met) and not drawn by lot, so that a test can count.
struct FaultMachine: Sendable, Equatable {
    private(set) var settings = FaultSettings()
    /// Requests that were met since the last `set`.
    private(set) var met = 0
    private var credit = 0.0

    enum Ending: Sendable, Equatable {
        case serve
        case answer(status: Int, retryAfter: Int?)
        case hang
        case reset(FaultSettings.Reset)
        case truncate
    }

    struct RequestAction: Sendable, Equatable {
        var delay = Duration.zero
        var ending = Ending.serve
        var drip: Duration?

        static let behave = RequestAction()
    }

    mutating func set(_ settings: FaultSettings) {
        self = FaultMachine()
        self.settings = settings
    }

    /// A request has come whose answer may be spoilt.
    mutating func request() -> RequestAction {
        guard self.isSet, self.met < self.settings.count ?? .max else { return .behave }
        self.credit += self.settings.share ?? 1
        guard self.credit >= 1 - 1e-9 else { return .behave }
        self.credit -= 1
        self.met += 1
        return RequestAction(
            delay: .milliseconds(self.settings.delayMilliseconds ?? 0),
            ending: self.ending,
            drip: self.settings.dripMilliseconds.map { .milliseconds($0) }
        )
    }

    private var isSet: Bool {
        self.ending != .serve || self.settings.delayMilliseconds != nil || self.settings.dripMilliseconds != nil
    }

    private var ending: Ending {
        if let status = self.settings.status { return .answer(status: status, retryAfter: self.settings.retryAfter) }
        if self.settings.hang == true { return .hang }
        if let reset = self.settings.reset { return .reset(reset) }
        return self.settings.truncate == true ? .truncate : .serve
    }
}
