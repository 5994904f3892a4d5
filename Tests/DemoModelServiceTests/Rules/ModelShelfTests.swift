import Testing

@testable import DemoModelService

@Suite struct `The shelf of versions` {
    private static func forecaster(_ seed: UInt64) -> Forecaster {
        Forecaster(network: LSTMNetwork(shape: LSTMShape(hidden: 1), seed: seed), scale: 1)
    }

    private func shelf() -> ModelShelf {
        var shelf = ModelShelf()
        _ = shelf.put("v1", Self.forecaster(1), state: .ready)
        _ = shelf.put("v2", Self.forecaster(2), state: .ready)
        return shelf
    }

    @Test(arguments: [nil, "latest", "v1"] as [String?])
    func `finds the first ready version under latest`(asked: String?) {
        #expect(self.shelf().find(asked) == .answer(version: "v1", Self.forecaster(1)))
    }

    @Test func `tells an unknown version from an unloaded one`() {
        var shelf = self.shelf()
        let known = shelf.set("v1", to: .unloaded)
        #expect(known)
        #expect(shelf.find("v1") == .refuseUnloaded)
        #expect(shelf.find("v3") == .refuseUnknown)
        #expect(shelf.find(nil) == .answer(version: "v2", Self.forecaster(2)))
        let unknown = shelf.set("v3", to: .ready)
        #expect(!unknown)
    }

    @Test func `has no latest when nothing is ready`() {
        var shelf = self.shelf()
        _ = shelf.set("v1", to: .unloaded)
        _ = shelf.set("v2", to: .unloaded)
        #expect(shelf.find("latest") == .refuseUnknown)
        #expect(shelf.current == nil)
    }

    @Test func `keeps what it has, and no more than its bound`() {
        var shelf = self.shelf()
        #expect(shelf.put("v1", Self.forecaster(9), state: .ready) == .refuseTaken)
        #expect(shelf.freeName() == "v3")
        #expect(shelf.freeName(besides: ["v3"]) == "v4")
        for number in 3...ModelShelf.versionsMax {
            #expect(shelf.put("v\(number)", Self.forecaster(1), state: .unloaded) == .done)
        }
        #expect(shelf.put("one-more", Self.forecaster(1), state: .ready) == .refuseFull)
    }

    @Test(arguments: [
        ("v1", true), ("2024.1_a-b", true), ("", false), ("-v", false), ("latest", false), ("v 1", false),
    ])
    func `takes the manager's names`(name: String, allowed: Bool) {
        #expect(VersionName.allows(name) == allowed)
        #expect(!VersionName.allows(name + String(repeating: "x", count: 129)))
    }
}
