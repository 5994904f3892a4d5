/// The fields that registration and change have in common.
extension FormFields {
    /// A day: no lease or deadline is longer.
    static let secondsMax = 86_400.0
    static let capabilitiesMax = 64
    /// Names and values of all metadata together.
    static let metadataBytesMax = 64 * 1024
    static let concurrentRequestsMax = 1_000_000

    mutating func weight() -> Int? {
        self.integer("weight", in: 1...1000)
    }

    mutating func timeout() -> Duration? {
        self.seconds("timeout", atMost: Self.secondsMax)
    }

    /// 0 means no limit.
    mutating func concurrentRequests() -> Int? {
        self.integer("max_concurrent_requests", in: 0...Self.concurrentRequestsMax)
    }

    /// A list of names, each kept once.
    mutating func capabilities() -> [String]? {
        let name = "capabilities"
        guard let value = self.member(name) else { return nil }
        guard let elements = value.asArray else {
            self.fault(name, .listType, "must be a list of names, not \(value.kindName)")
            return nil
        }
        guard elements.count <= Self.capabilitiesMax else {
            self.fault(name, .tooLong, "must have at most \(Self.capabilitiesMax) elements")
            return nil
        }
        var capabilities: [String] = []
        for (place, element) in elements.enumerated() {
            guard let text = element.asString else {
                self.fault(name, element: "\(place)", .stringType, "must be a string, not \(element.kindName)")
                continue
            }
            guard NameRule.allows(text) else {
                self.fault(name, element: "\(place)", .pattern, "must match \(NameRule.pattern)")
                continue
            }
            if !capabilities.contains(text) { capabilities.append(text) }
        }
        return capabilities
    }

    /// A map of strings.
    mutating func metadata() -> [String: String]? {
        let name = "metadata"
        guard let value = self.member(name) else { return nil }
        guard let object = value.asObject else {
            self.fault(name, .dictType, "must be an object of strings, not \(value.kindName)")
            return nil
        }
        var metadata: [String: String] = [:]
        var bytes = 0
        for member in object.members {
            guard let text = member.value.asString else {
                self.fault(name, element: member.name, .stringType, "must be a string, not \(member.value.kindName)")
                continue
            }
            bytes += member.name.utf8.count + text.utf8.count
            metadata[member.name] = text
        }
        guard bytes <= Self.metadataBytesMax else {
            self.fault(name, .tooLong, "must have at most \(Self.metadataBytesMax) bytes in all")
            return nil
        }
        return metadata
    }
}
