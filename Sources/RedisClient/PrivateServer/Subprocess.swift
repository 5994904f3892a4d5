import Glibc

/// The system's calls for child processes, blocking and bare; `ServerProcess` is what the rest uses.
enum Subprocess {
    /// Starts a process whose standard output and error are appended to a file.
    ///
    /// It inherits no other open file of ours. That takes closing them: NIO opens its sockets without `O_CLOEXEC`, and a
    /// child that has one keeps a connection alive that we closed (seen: a Redis that held its `maxclients` for ever).
    static func spawn(_ words: [String], output: String) throws(PrivateRedisError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
        for file in STDERR_FILENO + 1...self.highestFile + self.filesOpenedMeanwhileMax {
            posix_spawn_file_actions_addclose(&actions, file)
        }
        return try self.spawn(words, &actions)
    }

    /// The highest number that an open file of ours has.
    private static var highestFile: Int32 {
        guard let folder = opendir("/proc/self/fd") else { return 1024 }
        defer { closedir(folder) }
        var highest = STDERR_FILENO
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if let number = Int32(name) { highest = max(highest, number) }
        }
        return highest
    }

    /// Files take the lowest free numbers, so what other threads open between the counting and the start lies here.
    private static let filesOpenedMeanwhileMax: Int32 = 256

    /// Runs a program to its end and returns the beginning of what it printed.
    static func output(of program: String, _ arguments: [String]) throws(PrivateRedisError) -> String {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw self.refused("pipe", errno) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[0]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
        let pid: pid_t
        do throws(PrivateRedisError) {
            pid = try self.spawn([program] + arguments, &actions)
        } catch {
            close(ends[1])
            throw error
        }
        close(ends[1])
        defer { self.reap(pid) }
        return self.readBeginning(of: ends[0])
    }

    /// Returns when the child has ended, without taking its number out of use.
    static func awaitEnd(of pid: pid_t) {
        var information = siginfo_t()
        while waitid(P_PID, id_t(pid), &information, WEXITED | WNOWAIT) == -1, errno == EINTR {}
    }

    /// Takes note of the child's end; its number may be used again from now on. Returns the signal that ended it.
    @discardableResult
    static func reap(_ pid: pid_t) -> Int32? {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) == -1 {
            guard errno == EINTR else { return nil }
        }
        return status & 0x7F == 0 ? nil : status & 0x7F  // WTERMSIG
    }

    /// With default signal handling, no signal blocked, and in a process group of its own.
    private static func spawn(
        _ words: [String],
        _ actions: inout posix_spawn_file_actions_t
    ) throws(PrivateRedisError) -> pid_t {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var all = sigset_t()
        var none = sigset_t()
        sigfillset(&all)
        sigemptyset(&none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setpgroup(&attributes, 0)
        let flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP
        posix_spawnattr_setflags(&attributes, Int16(flags))
        var arguments = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var pid: pid_t = 0
        let error = posix_spawn(&pid, words[0], &actions, &attributes, &arguments, environ)
        guard error == 0 else { throw self.refused("starting \(words[0])", error) }
        return pid
    }

    private static func readBeginning(of file: Int32) -> String {
        let text = withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer -> [UInt8] in
            Array(buffer.prefix(max(0, read(file, buffer.baseAddress, buffer.count))))
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func refused(_ what: String, _ error: Int32) -> PrivateRedisError {
        PrivateRedisError(.spawnFailed, "\(what) failed: \(String(cString: strerror(error)))")
    }
}
