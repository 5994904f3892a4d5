"""Many registrations at once, and the proof that each of them is listed."""

import http.client
import threading
import time

from harness import Broken, get_json


class Registration:
    """Registers services over several kept-alive connections and notes the milliseconds of each call."""

    def __init__(self, port, bodies):
        self.port, self.queue, self.wanted = port, iter(bodies), len(bodies)
        self.times, self.errors, self.lock = [], [], threading.Lock()

    def run(self, workers):
        """(seconds, sorted milliseconds of each call)"""
        at = time.monotonic()
        threads = [threading.Thread(target=self.work, daemon=True) for _ in range(workers)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(300)
        if self.errors or len(self.times) != self.wanted:
            raise Broken(f"registered {len(self.times)} of {self.wanted}: {self.errors[:1]}")
        return time.monotonic() - at, sorted(self.times)

    def next_body(self):
        with self.lock:
            return None if self.errors else next(self.queue, None)

    def work(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            while (body := self.next_body()) is not None:
                self.times.append(self.one(connection, body))
        except (Broken, OSError, http.client.HTTPException) as error:
            self.errors.append(error)
        finally:
            connection.close()

    @staticmethod
    def one(connection, body):
        at = time.monotonic()
        connection.request("POST", "/services/register", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 201:
            raise Broken(f"registration answered {answer.status} {text[:200]!r} to {body!r}")
        return (time.monotonic() - at) * 1e3


def listed(port):
    """Every service_id that GET /services shows, page by page."""
    found, after = [], None
    while True:
        page = get_json(port, "/services?limit=500" + (f"&after={after}" if after else ""), 30)
        found += [s["service_id"] for s in page["services"]]
        after = page.get("next")
        if not after or not page["services"]:
            return found


def check_listing(port, n):
    """Milliseconds of a whole listing, in which each service stands once."""
    at = time.monotonic()
    ids = listed(port)
    took = (time.monotonic() - at) * 1e3
    if len(ids) != n or len(set(ids)) != n:
        raise Broken(f"GET /services lists {len(ids)} services ({len(set(ids))} different) instead of {n}")
    return took
