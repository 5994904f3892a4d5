"""Predictions at a steady rate, in the background, each counted once and none repeated once it was sent."""

import http.client
import json
import threading
import time

BODY = json.dumps({"model_type": "LSTM", "data": [round(0.1 + 0.01 * i, 2) for i in range(24)]})


class Load:
    """Callers with a connection each. `addresses` is asked again for every new connection.

    A caller that is refused a connection goes to the next address: with several that is no failure, as for any client
    that knows all replicas. What became of a request that was sent always counts.
    """

    def __init__(self, addresses, rate, callers):
        self.rate, self.callers, self.addresses = rate, callers, addresses
        self.ended = threading.Event()
        self.lock = threading.Lock()
        self.answers, self.failures, self.stale, self.by_service = 0, [], 0, {}
        self.threads = [threading.Thread(target=self._call, args=(i,), daemon=True) for i in range(callers)]
        for thread in self.threads:
            thread.start()

    def end(self, patience=40):
        """Waits for what is in hand, altogether no longer than that."""
        self.ended.set()
        until = time.monotonic() + patience
        for thread in self.threads:
            thread.join(max(0, until - time.monotonic()))

    def _call(self, number):
        connection, turn = None, number
        pause = self.callers / self.rate
        due = time.monotonic() + pause * number / self.callers
        while not self.ended.wait(max(0, due - time.monotonic())):
            due = max(due + pause, time.monotonic() - 1)
            begin = time.monotonic()
            try:
                if connection is None:
                    turn += 1
                    connection = self._connected(turn)
                connection.request("POST", "/predict", BODY, {"content-type": "application/json"})
                answer = connection.getresponse()
                text = answer.read()
                if answer.headers.get("connection", "") == "close":
                    connection.close()
                    connection = None
                with self.lock:
                    self._count(answer, text)
            except OSError as error:
                self._failed(f"{type(error).__name__}: {error}", begin)
                connection = None
            except http.client.HTTPException as error:
                self._failed(f"{type(error).__name__}: {error}", begin)
                connection = None

    def _connected(self, turn):
        choice = self.addresses()
        for attempt in range(len(choice)):
            host, port = choice[(turn + attempt) % len(choice)]
            connection = http.client.HTTPConnection(host, port, timeout=30)
            try:
                connection.connect()
                return connection
            except ConnectionRefusedError:
                if attempt == len(choice) - 1:
                    raise

    def _count(self, answer, text):
        if answer.status != 200:
            self.failures.append(f"{answer.status} {text[:300].decode(errors='replace')}")
            return
        self.answers += 1
        self.stale += 1 if answer.headers.get("x-mm-stale") else 0
        service = answer.headers.get("x-mm-service", "?")
        self.by_service[service] = self.by_service.get(service, 0) + 1

    def _failed(self, text, begin):
        with self.lock:
            self.failures.append(f"after {time.monotonic() - begin:.2f} s: {text}")
