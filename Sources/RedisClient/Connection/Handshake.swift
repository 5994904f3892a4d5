/// What is said on a connection before it is used, and how the replies are judged.
///
/// A server is usable when it lets us in, says that it is a primary *and* answers `PING`: `ROLE` alone also says
/// "master" while the data are still being loaded. A server that refuses writes for now (`-MISCONF`) is usable: reads
/// work. `ROLE`, `INFO` and `CLIENT SETNAME` may be forbidden to us; then we do without.
struct Handshake: Sendable, Equatable {
    private enum Step: Sendable, Equatable { case authenticate, name, select, role, server, memory, ping }

    private let steps: [Step]
    let commands: [[RedisWord]]

    init(_ configuration: RedisConfiguration) {
        var plan: [(Step, [RedisWord])] = []
        if let password = configuration.password {
            let user = configuration.user.map { [RedisWord($0)] } ?? []
            plan.append((.authenticate, ["AUTH"] + user + [RedisWord(password)]))
        }
        if let name = configuration.clientName {
            plan.append((.name, ["CLIENT", "SETNAME", RedisWord(name)]))
        }
        if configuration.database != 0 {
            plan.append((.select, ["SELECT", RedisWord(Int64(configuration.database))]))
        }
        plan += [(.role, ["ROLE"]), (.server, ["INFO", "server"]), (.memory, ["INFO", "memory"]), (.ping, ["PING"])]
        self.steps = plan.map(\.0)
        self.commands = plan.map(\.1)
    }

    /// Nil when the server is usable.
    func objection(to replies: [RedisValue]) -> RedisError? {
        for (step, reply) in zip(self.steps, replies) {
            if let error = self.objection(to: step, reply) { return error }
        }
        return nil
    }

    /// What an operator should mend although the server can be used.
    func warnings(in replies: [RedisValue]) -> [String] {
        guard let (_, memory) = zip(self.steps, replies).first(where: { $0.0 == .memory }),
            let policy = Self.field("maxmemory_policy", of: memory), policy != "noeviction"
        else { return [] }
        return ["maxmemory-policy is \(policy): Redis may throw our keys away; set it to noeviction"]
    }

    private func objection(to step: Step, _ reply: RedisValue) -> RedisError? {
        switch (step, reply) {
        case (.name, _), (.memory, _), (.role, .error):
            return nil
        case (.server, let information):
            return Self.objection(toVersion: Self.field("redis_version", of: information))
        case (.role, let role):
            let word = role.array?.first?.string ?? ""
            return word == "master" ? nil : RedisError(.readOnly, "this Redis is no primary: ROLE says '\(word)'")
        case (.ping, .error(let text)):
            let error = RedisError(reply: text)
            return error.code.refusesWrites || error.code == .noPermission ? nil : error
        case (.authenticate, .error(let text)):
            return RedisError(.noAuth, RedisError(reply: text).message)
        case (.select, .error(let text)):
            return RedisError(.connectFailed, "SELECT was refused: \(RedisError(reply: text).message)")
        case (.authenticate, _), (.select, _), (.ping, _):
            return nil
        }
    }

    private static func objection(toVersion version: String?) -> RedisError? {
        guard let version, let major = Int(version.prefix { $0 != "." }), major < ServerProgram.majorVersionMin else {
            return nil
        }
        let needed = ServerProgram.majorVersionMin
        return RedisError(.unsupported, "this Redis is version \(version); Functions need \(needed) or newer")
    }

    /// A line `name:value` of an `INFO` reply.
    private static func field(_ name: String, of information: RedisValue) -> String? {
        let line = information.string?.split(whereSeparator: \.isNewline).first { $0.hasPrefix("\(name):") }
        return line.map { String($0.dropFirst(name.count + 1)) }
    }
}
