/// What became of a record that a replica gave back to the store.
public enum Restoration: String, Hashable, Sendable {
    /// Now it is in the store again, with its own stamp.
    case restored
    /// It is there already: another replica was faster.
    case same
    /// The store knows something newer of it.
    case newer
    /// It is older than the oldest mark of removal that is still kept, so nobody can say whether it was removed.
    case forgotten
    /// The data set has been replaced meanwhile: read again first.
    case foreign
}
