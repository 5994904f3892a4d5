/// What is not the same in two snapshots, so that whoever follows the registry pays for what changed and not for all.
///
/// Found by one walk over both sorted lists. Everything is compared, not only epochs: after a data set was replaced the
/// same epoch may stand for something else.
public struct SnapshotDifference: Hashable, Sendable {
    /// As the older snapshot has them: what was changed or is gone.
    public private(set) var before: [Service] = []
    /// As the newer one has them: what was changed or is new.
    public private(set) var after: [Service] = []
    /// Model types of these services, and those whose pointers differ. Anything else of a model follows from them.
    public private(set) var types: Set<ModelType> = []

    public init(from old: RegistrySnapshot, to new: RegistrySnapshot) {
        self.init(from: (old.services, old.pointers), to: (new.services, new.pointers))
    }

    /// The services must be sorted by id.
    init(
        from old: (services: [Service], pointers: [ModelType: ModelPointers]),
        to new: (services: [Service], pointers: [ModelType: ModelPointers])
    ) {
        self.walk(old.services, new.services)
        for service in self.before + self.after { self.types.insert(service.definition.modelType) }
        for (type, pointers) in new.pointers where old.pointers[type] != pointers { self.types.insert(type) }
        for type in old.pointers.keys where new.pointers[type] == nil { self.types.insert(type) }
    }

    private mutating func walk(_ old: [Service], _ new: [Service]) {
        var (left, right) = (0, 0)
        while left < old.count, right < new.count {
            if old[left] == new[right] {
                (left, right) = (left + 1, right + 1)
            } else if old[left].id == new[right].id {
                self.before.append(old[left])
                self.after.append(new[right])
                (left, right) = (left + 1, right + 1)
            } else if old[left].id < new[right].id {
                self.before.append(old[left])
                left += 1
            } else {
                self.after.append(new[right])
                right += 1
            }
        }
        self.before += old[left...]
        self.after += new[right...]
    }
}
