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
    ])
    func `is refused with the reason and without the password`(url: String, reason: String) {
        let error = #expect(throws: RedisError.self) { try RedisConfiguration(url: url) }
        #expect(error?.code == .invalidConfiguration)
        #expect(error?.message.contains(reason) == true, "\(String(describing: error))")
        #expect(error?.message.contains("secret") == false)
    }
}
