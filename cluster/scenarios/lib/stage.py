"""The cluster a story is played on: started, hurt and ended by `cluster/local`, looked at through its API."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from load import Load


class Stage:
    def __init__(self, top, random):
        self.top, self.random = top, random
        self.folder = tempfile.mkdtemp(prefix="mm-s")
        self.environment = {}
        self.addresses, self.pids = {}, {}
        self.loads, self.senders = [], []
        self.gone = set()
        self.remembered = {}

    def local(self, *arguments, within=120):
        environment = dict(os.environ, DATA_DIR=f"{self.folder}/c", **self.environment)
        environment.setdefault("PROGRAMS", str(self.top / ".build/debug"))
        done = subprocess.run(
            [self.top / "cluster/local", *arguments], env=environment, capture_output=True, text=True, timeout=within
        )
        if done.returncode:
            raise RuntimeError(f"cluster/local {' '.join(arguments)}: {done.stderr[-40000:]}")
        return done.stdout

    def start(self, replicas, sentinel, settings):
        self.environment = {
            "DRAIN_DELAY": "2", "HEALTH_CHECK_INTERVAL": "1", "SERVICE_DISCOVERY_INTERVAL": "1", **settings
        }  # fmt: skip
        self.local("start", "--replicas", str(replicas), *(["--sentinel"] if sentinel else []))
        self.look()

    def look(self):
        """Who runs where; a killed or paused process keeps its address."""
        for line in self.local("status").splitlines()[1:]:
            name, *_, pid, address = line.split()
            self.addresses[name] = address
            self.pids[name] = int(pid) if pid.isdigit() else None

    def close(self):
        for load in self.loads:
            load.end()
        try:
            self.local("stop")
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            print(f"   {error}")
        shutil.rmtree(self.folder, ignore_errors=True)

    # Who is who.

    def replicas(self):
        """The names of those that are neither killed nor paused."""
        return [name for name in self.addresses if re.fullmatch(r"r\d+", name) and name not in self.gone]

    def name_of(self, replica_id):
        """`r2` of the replica id `r2-3f8a01`; ids are new at every start."""
        return replica_id.split("-")[0] if replica_id else None

    def resolve(self, who):
        """`the leader`, `a follower`, `the same` (who was spoken of last) or a name."""
        if who == "the leader":
            who = self.leader()
        elif who == "a follower":
            leader = self.resolve("the leader")
            who = self.random.choice([name for name in self.replicas() if name != leader])
        elif who == "the same":
            who = self.remembered["who"]
        self.remembered["who"] = who
        return who

    def leader(self):
        """Whom the first replica follows. A replica that has just started may not have heard of anybody yet."""
        for _ in range(100):
            leader = self.get(self.replicas()[0], "/cluster")["leader"]
            if leader:
                return self.name_of(leader["replica_id"])
            time.sleep(0.1)
        raise RuntimeError("no leader")

    # Talking to processes.

    def url(self, name):
        return f"http://{self.addresses[name]}"

    def ask(self, name, method, path, body=None, timeout=5):
        """(status, headers, JSON or text)."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url(name) + path, data, {"content-type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                status, headers, text = answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            status, headers, text = error.code, error.headers, error.read()
        try:
            return status, headers, json.loads(text)
        except ValueError:
            return status, headers, text.decode(errors="replace")

    def get(self, name, path):
        status, _, body = self.ask(name, "GET", path)
        if status >= 400:
            raise OSError(f"GET {path} at {name}: {status} {body}")
        return body

    def redis(self, *arguments):
        if "redis" in self.addresses:
            where = ["-s", self.addresses["redis"]]
        else:
            where = ["-p", self.addresses[self.primary()].rsplit(":", 1)[1]]
        done = subprocess.run(["redis-cli", "-e", *where, *arguments], capture_output=True, text=True, timeout=10)
        if done.returncode:
            raise RuntimeError(f"redis-cli {arguments}: {done.stderr}")
        return done.stdout.strip()

    def primary(self):
        """The name of the Redis that answers as primary."""
        for name in self.addresses:
            if re.fullmatch(r"redis-\d", name) and name not in self.gone:
                port = self.addresses[name].rsplit(":", 1)[1]
                role = subprocess.run(["redis-cli", "-p", port, "role"], capture_output=True, text=True, timeout=10)
                if role.stdout.startswith("master"):
                    return name
        raise RuntimeError("no primary")

    def begin_load(self, rate, through):
        def addresses():
            names = ["ingress"] if through == "ingress" else self.replicas()
            return [tuple(self.addresses[name].rsplit(":", 1)) for name in names]

        self.loads.append(Load(addresses, rate, max(4, min(32, rate // 5))))

    # Hurting.

    def signal(self, name, number):
        os.kill(self.pids[name], number)

    def kill(self, name):
        self.local("kill", name)
        self.gone.add(name)

    def pause(self, name):
        self.local("pause", name)
        self.gone.add(name)

    def resume(self, name):
        self.local("resume", name)
        self.gone.discard(name)

    def terminate(self, name):
        """SIGTERM, and on: it leaves while the story goes on."""
        self.signal(name, signal.SIGTERM)
        self.gone.add(name)

    def restart(self, name):
        self.local("restart", name)
        self.gone.discard(name)
        self.look()

    def state(self):
        """For people who look for the reason of a failure."""
        try:
            text = self.local("status") + self.local("logs", "--lines", "150")
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            text = str(error)
        return "\n".join("   | " + line[:500] for line in text.splitlines())

    def eventually(self, seconds, condition):
        """None as soon as the condition holds (returns None); else its last complaint."""
        end = time.monotonic() + seconds
        while True:
            try:
                complaint = condition()
            except (OSError, RuntimeError, KeyError, ValueError) as error:
                complaint = f"{type(error).__name__}: {error}"
            if complaint is None or time.monotonic() > end:
                return complaint
            time.sleep(0.05)
