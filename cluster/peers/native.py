"""A native model service of the model type `doubler`: twice its data. Prints its address."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(200, {"status": "healthy"})

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])) or b"{}")
        if self.path != "/predict":
            return self.answer(404, {"detail": "Not Found"})
        self.answer(200, {"prediction": double(asked["data"])})

    def answer(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


def double(data):
    return [double(one) for one in data] if isinstance(data, list) else 2.0 * data


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"ready url=http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
