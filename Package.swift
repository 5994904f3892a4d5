// swift-tools-version: 6.2
import PackageDescription

/// The same for every target; each with the proposal that explains it.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),  // SE-0335
    .enableUpcomingFeature("InternalImportsByDefault"),  // SE-0409
    .enableUpcomingFeature("MemberImportVisibility"),  // SE-0444
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),  // SE-0461
]

let nio = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioTLS = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let hummingbirdTesting = Target.Dependency.product(name: "HummingbirdTesting", package: "hummingbird")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let cryptoExtras = Target.Dependency.product(name: "CryptoExtras", package: "swift-crypto")
let tokens = Target.Dependency.product(name: "JWTKit", package: "jwt-kit")
let yaml = Target.Dependency.product(name: "Yams", package: "Yams")

func module(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func program(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
    .executableTarget(name: name, dependencies: dependencies, resources: resources, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

let package = Package(
    name: "model-manager",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "model-manager", targets: ["ModelManager"]),
        .executable(name: "demo-model-service", targets: ["DemoModelService"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // MARK: Nouns and rules
        module("Registry", []),
        module("Decisions", ["Registry"]),

        // MARK: The shared truth
        .systemLibrary(name: "CHiredis", providers: [.apt(["libhiredis-dev"])]),
        module("RedisClient", ["CHiredis", nio, nioPosix, nioTLS, logging, lifecycle]),
        .target(
            name: "ClusterFunctions",
            path: "cluster/functions",
            resources: [
                "library", "lease", "session", "permit", "ticket", "breaker", "health", "service", "model", "traffic",
                "served", "registry", "job", "discovery", "evaluation", "recording",
            ].map { .embedInCode("\($0).lua") },
            swiftSettings: settings
        ),
        module("ClusterState", ["RedisClient", "Registry", "ClusterFunctions", logging]),

        // MARK: The data plane
        module("Gateway", ["Registry", "Decisions", nio, nioPosix, nioHTTP1, nioTLS, crypto, logging]),

        // MARK: What a replica does by itself
        module("ControlLoops", ["Registry", "Decisions", "ClusterState", "Gateway", lifecycle, logging, yaml]),

        // MARK: The face
        .target(
            name: "ManagerAPI",
            dependencies: [
                "Registry", "Decisions", "Gateway", "ClusterState", hummingbird, hummingbirdCore, httpTypes, nio,
                nioHTTP1,
                tokens, logging,
            ],
            resources: [
                .embedInCode("OpenAPI/schemas.json"), .embedInCode("Pages/docs.html"),
                .embedInCode("Pages/dashboard.html"),
            ],
            swiftSettings: settings
        ),

        // MARK: Programs
        program(
            "ModelManager",
            [
                "Registry", "Decisions", "RedisClient", "ClusterState", "Gateway", "ControlLoops", "ManagerAPI", nio,
                nioPosix, hummingbird, lifecycle,
                logging, arguments, yaml, crypto,
            ]
        ),
        program(
            "DemoModelService",
            [hummingbird, hummingbirdCore, httpTypes, nio, nioPosix, lifecycle, logging, arguments],
            resources: [.embedInCode("Series/sunspots.csv")]
        ),

        // MARK: Tests
        module("ManagerTesting", ["Registry", "RedisClient", nio, nioPosix, logging]),
        tests("RegistryTests", ["Registry"]),
        tests("DecisionsTests", ["Decisions", "Registry", "ManagerTesting"]),
        tests("RedisClientTests", ["RedisClient", "ManagerTesting", nio, nioEmbedded, nioTLS]),
        tests("ClusterFunctionsTests", ["ClusterFunctions", "RedisClient", "ManagerTesting"]),
        tests(
            "ClusterStateTests",
            ["ClusterState", "ClusterFunctions", "RedisClient", "Decisions", "Registry", "ManagerTesting"]
        ),
        tests(
            "GatewayTests",
            ["Gateway", "Decisions", "Registry", "ManagerTesting", nio, nioPosix, nioHTTP1, nioEmbedded, nioTLS]
        ),
        tests(
            "ControlLoopsTests",
            [
                "ControlLoops", "ClusterFunctions", "ClusterState", "Decisions", "Gateway", "RedisClient", "Registry",
                "ManagerTesting", nio, nioPosix, lifecycle, logging,
            ]
        ),
        tests(
            "ManagerAPITests",
            [
                "ManagerAPI", "Registry", "Decisions", "Gateway", "ClusterState", "ManagerTesting", hummingbird,
                hummingbirdTesting, httpTypes, nio, nioPosix, nioHTTP1, tokens, cryptoExtras, logging,
            ]
        ),
        tests(
            "ModelManagerTests",
            [
                "ModelManager", "ManagerTesting", "Registry", "Decisions", "Gateway", "ClusterState", "ControlLoops",
                "ManagerAPI", logging, arguments, nio, nioPosix, lifecycle,
            ]
        ),
        tests(
            "DemoModelServiceTests",
            ["DemoModelService", "ManagerTesting", hummingbird, nio, nioPosix, logging, lifecycle]
        ),
        tests("ClusterTests", ["ManagerTesting", "Registry", nio, nioPosix]),
        tests("ArchitectureTests", []),
    ]
)
