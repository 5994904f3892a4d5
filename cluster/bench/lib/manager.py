"""The product: which program is measured, how a replica and its Redis start, how services are registered.

What this asks of the program stands in the README of this folder, "What the manager must offer".
"""

import contextlib
import hashlib
import json
import os
import re
import socket
import subprocess
from pathlib import Path

from harness import HERE, Broken, Process, get_json, post, wait_until

UNLIMITED = 1_000_000
KEY = "mmk_bench_" + "K" * 43
READY = re.compile(r"ready url=http://(?P<host>[^ ]+):(?P<port>\d+) replica=(?P<replica>\S+)")


class Redis:
    """A redis-server of our own on a unix socket, with the append-only file on as one would run it."""

    def __init__(self, run, name, cpus):
        directory = run.dir / f"{name}.d"
        directory.mkdir()
        self.path = run.sockets / f"{name}.s"
        argv = ["redis-server", "--port", "0", "--unixsocket", self.path, "--dir", directory]
        argv += ["--save", "", "--appendonly", "yes", "--appendfsync", "everysec"]
        self.process = Process(name, argv, run, cpus=cpus.rest)
        wait_until(name, 10, lambda: self.call("PING") == "PONG", self.process)

    @property
    def url(self):
        return f"unix://{self.path}"

    def call(self, *words):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(5)
            s.connect(str(self.path))
            encoded = [str(word).encode() for word in words]
            s.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in encoded))
            f = s.makefile("rb")
            line = f.readline().decode().rstrip()
            if line.startswith("$"):
                return f.read(int(line[1:])).decode()
            if line.startswith("-"):
                raise Broken(f"redis: {line}")
            return line[1:]

    def info(self, section):
        return dict(line.split(":", 1) for line in self.call("INFO", section).splitlines() if ":" in line)


def keys_file(run, others=999):
    """One key that is shown, among as many that are not."""
    shown = [("bench", "operator", KEY), *((f"k{i}", "predict", f"key {i}") for i in range(others))]
    keys = [
        {"id": name, "roles": [role], "sha256": hashlib.sha256(key.encode()).hexdigest()} for name, role, key in shown
    ]
    path = run.dir / "keys.json"
    path.write_text(json.dumps({"keys": keys}))
    path.chmod(0o600)
    return path


def repository():
    """The checkout whose release build is measured: MM_REPO, or the one this folder lies in."""
    return Path(os.environ.get("MM_REPO") or HERE.parent.parent).resolve()


def binary():
    """MM_BIN, or the release build of the checkout."""
    path = Path(os.environ["MM_BIN"]) if os.environ.get("MM_BIN") else built()
    if not os.access(path, os.X_OK):
        hint = "build it (.ci/release model-manager) or set MM_BIN"
        raise Broken(f"manager: no program at {path}: {hint}")
    return path.resolve()


def built():
    root = repository()
    if not (root / "Package.swift").exists():
        raise Broken(f"manager: no MM_BIN, and no Package.swift in {root}")
    argv = ["swift", "build", "-c", "release", "--show-bin-path", "--package-path", str(root)]
    try:
        shown = subprocess.run(argv, capture_output=True, text=True, timeout=300, cwd=root)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Broken(f"manager: no MM_BIN, and swift build --show-bin-path failed: {error}") from None
    if shown.returncode != 0:
        raise Broken(f"manager: no MM_BIN, and swift build --show-bin-path failed: {shown.stderr.strip()[-300:]}")
    return Path(shown.stdout.strip().splitlines()[-1]) / "model-manager"


def version():
    """What the program says to --version, or the commit of the checkout, or nothing."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired, Broken, IndexError):
        shown = subprocess.run([binary(), "--version"], capture_output=True, text=True, timeout=10)
        if shown.returncode == 0:
            return shown.stdout.strip().splitlines()[0]
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        argv = ["git", "-C", str(repository()), "rev-parse", "--short", "HEAD"]
        shown = subprocess.run(argv, capture_output=True, text=True, timeout=10)
        if shown.returncode == 0 and not os.environ.get("MM_BIN"):
            return f"commit {shown.stdout.strip()}"
    return None


def start_replica(run, redis, name, cpus, env=None, pause=0.05):
    """(port, process) of a replica that says it is ready. One event loop, a port of its own choice."""
    directory = run.dir / f"{name}.d"
    directory.mkdir()
    settings = {
        "API_HOST": "127.0.0.1",
        "API_PORT": "0",
        "REDIS_URL": redis.url,
        "LOG_LEVEL": "WARNING",
        "REPLICA_ID": name,
        "DATA_DIR": str(directory / "data"),
        "DRAIN_DELAY": "0",
        "EVENT_LOOPS": "1",
        **(env or {}),
    }
    argv = [binary(), "serve"]
    process = Process(name, argv, run, settings, cwd=directory, cpus=cpus, separate_output=True)
    line = wait_until(f"{name}: a line on stdout", 30, lambda: first_line(process), process, pause)
    ready = READY.fullmatch(line)
    if not ready or ready["replica"] != name:
        raise Broken(f"{name}: stdout begins with {line!r}, expected ready url=http://HOST:PORT replica={name}")
    port = int(ready["port"])
    ready = lambda: post(port, "/health/ready", None, 2, "GET")[0] == 200  # noqa: E731
    wait_until(f"{name} /health/ready", 30, ready, process, pause)
    return port, process


def first_line(process):
    """Nothing while it is not whole."""
    line, ended, _ = process.output.read_text(errors="replace").partition("\n")
    return ended and line.rstrip()


def service(number, url, model_type="LSTM", limit=None, version=None):
    """The body of a registration."""
    body = {"service_id": f"bench-{number:05d}", "service_url": url, "model_type": model_type}
    body |= {"model_version": version} if version else {}
    body |= {"capabilities": ["prediction"], "timeout": 30}
    if limit:
        body["max_concurrent_requests"] = limit
    return json.dumps(body).encode()


def register(port, body):
    status, _, answer = post(port, "/services/register", body)
    if status not in (200, 201):
        raise Broken(f"POST /services/register answered {status} {answer[:300]!r} to {body!r}")


def shadow(port, urls):
    """Copies every prediction that names no version to a version at these services."""
    for i, url in enumerate(urls, 100):
        register(port, service(i, url, version="shadow"))
    asked = json.dumps({"shadow": {"version": "shadow", "percent": 100}}).encode()
    status, _, answer = post(port, "/models/LSTM/traffic", asked, method="PUT")
    if status != 200:
        raise Broken(f"PUT /models/LSTM/traffic answered {status} {answer[:300]!r}")


def copied(port):
    """Predictions that were copied, as far as the replica has reported them."""
    return get_json(port, "/models/LSTM/versions/shadow")["shadow"]["requests"]


def knows(port, count):
    """Whether the replica counts that many services."""
    return get_json(port, "/health")["services"]["total"] == count
