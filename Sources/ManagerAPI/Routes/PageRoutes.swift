internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import Registry

/// The rows of the table for people: the document, the pages that show it and the state of the services.
enum PageRoutes {
    static func routes(document: JSONValue) -> [Route] {
        [
            Route(
                method: .get,
                path: "/",
                name: "getStart",
                tag: "pages",
                summary: "Where to find what",
                answers: [.ok("Start", "The addresses to begin with.")],
                handler: { _ in .json(Self.start) }
            ),
            Route(
                method: .get,
                path: "/openapi.json",
                name: "getDocument",
                tag: "pages",
                summary: "This document",
                answers: [.ok("Document", "An OpenAPI 3.1 document.")],
                handler: { _ in .json(document) }
            ),
            Self.page("/docs", "getDocs", "This document for people", PackageResources.docs_html),
            Self.page("/dashboard", "getDashboard", "The cluster at one glance", PackageResources.dashboard_html),
        ]
    }

    private static let start: JSONValue = [
        "name": "Model Manager", "docs": "/docs", "dashboard": "/dashboard", "openapi": "/openapi.json",
        "services": "/services", "models": "/models", "predict": "/predict", "health": "/health",
        "metrics": "/metrics",
    ]

    private static func page(_ path: String, _ name: String, _ summary: String, _ bytes: [UInt8]) -> Route {
        let page = EmbeddedPage(bytes)
        return Route(
            method: .get,
            path: path,
            name: name,
            tag: "pages",
            summary: summary,
            answers: [.init(status: 200, about: "The page.", media: "text/html", schema: "Page")],
            handler: { _ in page.response() }
        )
    }
}
