public import Registry

extension JobMachine {
    /// What the runner does next; it tells the machine what became of it.
    public enum Step: Hashable, Sendable {
        /// Fetch the data if that has not been done, and look who can train.
        case look
        /// Enter it in the book and, once that is done, send it.
        case send(Trainer)
        /// The trainer has it: note that, with the path to ask at.
        case noteAccepted(path: String)
        /// Note that nobody knows whether the trainer has it.
        case noteUnclear
        /// Ask the trainer after this time.
        case ask(path: String, after: Duration)
        /// Search for it at the trainer after this time.
        case search(after: Duration)
        /// Ask the trainer to cancel it.
        case cancel(path: String)
        /// Give it back, to be looked at again after this time, under the round and with the trainers asked.
        case release(after: Duration, message: String)
        case end(JobOutcome, code: Problem.Code?, maybeStarted: Bool)
    }
}
