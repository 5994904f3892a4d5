import Testing

@testable import RedisClient

@Suite struct `A Redis URL` {
    @Test(arguments: [
        ("redis://localhost", RedisAddress.tcp(host: "localhost", port: 6379), 0),
        ("redis://localhost:7000/3", .tcp(host: "localhost", port: 7000), 3),
        ("redis://localhost/", .tcp(host: "localhost", port: 6379), 0),
        ("redis://localhost?db=4", .tcp(host: "localhost", port: 6379), 4),
        ("REDIS://10.0.0.1:1/0", .tcp(host: "10.0.0.1", port: 1), 0),
        ("redis://[::1]:6380/1", .tcp(host: "::1", port: 6380), 1),
        ("rediss://[2001:db8::1]", .tcp(host: "2001:db8::1", port: 6379), 0),
        ("unix:///run/redis.sock", .unixSocket(path: "/run/redis.sock"), 0),
        ("unix:///run/r.sock?db=2", .unixSocket(path: "/run/r.sock"), 2),
        (
            "redis+sentinel://h1:26379,h2/mymaster?db=5",
            .sentinel(hosts: [.init(host: "h1", port: 26379), .init(host: "h2", port: 26379)], primary: "mymaster"), 5
        ),
        ("redis+sentinel://h1/mymaster/7", .sentinel(hosts: [.init(host: "h1", port: 26379)], primary: "mymaster"), 7),
        ("rediss+sentinel://[::1]:1/m", .sentinel(hosts: [.init(host: "::1", port: 1)], primary: "m"), 0),
    ])
    func `names a place and a database`(url: String, address: RedisAddress, database: Int) throws {
        let configuration = try RedisConfiguration(url: url)
        #expect(configuration.address == address)
        #expect(configuration.database == database)
        #expect(configuration.isTLS == url.hasPrefix("rediss"))
        #expect(configuration.password == nil)
    }

    @Test(arguments: [
        ("redis://mm:secret@h", "mm", "secret"),
        ("redis://:secret@h:1", nil, "secret"),
        ("rediss://a%3Ab:p%40%2F%25@h/1", "a:b", "p@/%"),
        ("redis://mm:se:cr:et@h", "mm", "se:cr:et"),
        ("redis://mm:a@b@h", "mm", "a@b"),
        ("unix://:secret@/r.sock", nil, "secret"),
        ("redis+sentinel://mm:secret@h1,h2:1/m", "mm", "secret"),
    ])
    func `carries credentials and hides them`(url: String, user: String?, password: String) throws {
        let configuration = try RedisConfiguration(url: url)
        #expect(configuration.user == user)
        #expect(configuration.password == password)
        for text in [
            "\(configuration)", String(reflecting: configuration), String(describing: Optional(configuration)),
        ] {
            #expect(!text.contains(password))
        }
        var dumped = ""
        dump(configuration, to: &dumped)
        #expect(!dumped.contains(password))
    }

    @Test func `has credentials of their own for the sentinels, and hides them`() throws {
        let url = "redis+sentinel://a:one@h1/m?sentinel_user=watch&sentinel_password=tw%40o"
        let configuration = try RedisConfiguration(url: url)
        #expect(configuration.password == "one")
        #expect(configuration.sentinelUser == "watch")
        #expect(configuration.sentinelPassword == "tw@o")
        var dumped = "\(configuration)"
        dump(configuration, to: &dumped)
        #expect(!dumped.contains("tw@o"))
    }

    @Test(arguments: [
        ("localhost:6379", "no scheme"),
        ("http://h", "scheme 'http'"),
        ("redis://", "host is missing"),
        ("redis://:secret@", "host is missing"),
        ("redis://h:port", "port 'port'"),
        ("redis://h:0", "port '0'"),
        ("redis://h:65536", "port '65536'"),
        ("redis://h/x", "database 'x'"),
        ("redis://h/-1", "database '-1'"),
        ("redis://h/1?db=2", "?db= has no meaning"),
        ("redis://h?database=2", "option 'database'"),
        ("redis://h?ca=/x.pem", "?ca= has no meaning"),
        ("redis://secret@h", "user:password@"),
        ("redis://a:secret%4@h", "hexadecimal"),
        ("unix://run/redis.sock", "absolute"),
        ("unix:///", "absolute"),
        ("unix:///\(String(repeating: "x", count: 107))", "108 bytes"),
        ("redis+sentinel://h1:26379", "primary's name"),
        ("redis+sentinel://h1,,h2/name", "host is missing"),
        ("redis+sentinel://h1/name/x", "database 'x'"),
        ("redis+sentinel://h1/name/1/2", "primary's name"),
        ("redis+sentinel://h1/name/1?db=2", "?db= has no meaning"),
        ("redis://h?sentinel_password=secret", "?sentinel_password= has no meaning"),
    ])
    func `is refused with the reason and without the password`(url: String, reason: String) {
        let error = #expect(throws: RedisError.self) { try RedisConfiguration(url: url) }
        #expect(error?.code == .invalidConfiguration)
        #expect(error?.message.contains(reason) == true, "\(String(describing: error))")
        #expect(error?.message.contains("secret") == false)
    }
}
