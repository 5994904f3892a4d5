"""Everything that takes load, the manager and its peers: how each is started and checked before it counts."""

import json
import shlex

import manager
from harness import HERE, SHOWN, WORK, Broken, Process, free_port, post, render, wait_until
from inputs import nginx_user, numbered, path_env

PEERS = ("haproxy", "nginx", "envoy", "sglang", "fastapi")
MANAGERS = ("manager", "manager-limited", "manager-3", "manager-shadow", "manager-shadow-tap", "manager-auth")
SLOW = {"fastapi": 150}  # requests per second in the paced mode; one worker cannot do 2000


class Target:
    """Something that takes load: `process` is measured, `port` and `path` are where requests go.

    `exact`: it passes the answer on byte for byte. `spreads`: its answers tell which backend they come from.
    """

    kind, exact, spreads = "predict", True, True

    def __init__(self, name, port, process):
        self.name, self.port, self.process = name, port, process
        self.path = "/predict"
        self.redis, self.others = None, []
        self.copies = None  # how many requests were copied so far, told a second late

    def all_processes(self):
        return [self.process, *self.others, *([self.redis.process] if self.redis else [])]


def venv(name, program):
    path = WORK / f"venv-{name}" / "bin" / program
    if not path.exists():
        raise Broken(f"{program} is not installed: run {HERE.name}/setup first")
    return path


def nginx(run, backends, values):
    conf = render("nginx.conf.in", run.dir / "nginx.conf", **values)
    return ["nginx", "-p", run.dir, "-e", run.dir / "nginx.err", "-c", conf], {}


def haproxy(run, backends, values):
    return ["haproxy", "-db", "-f", render("haproxy.cfg.in", run.dir / "haproxy.cfg", **values)], {}


def envoy(run, backends, values):
    argv = [venv("peers", "envoy"), "-c", render("envoy.yaml.in", run.dir / "envoy.yaml", **values)]
    return argv + ["--concurrency", "1", "--use-dynamic-base-id", "-l", "error"], {}


def sglang(run, backends, values):
    argv = [venv("sglang", "sglang-router"), "launch", "--worker-urls", *backends.urls()]
    argv += ["--policy", "round_robin", "--host", "127.0.0.1", "--port", values["PORT"], "--log-level", "warn"]
    argv += ["--prometheus-host", "127.0.0.1", "--prometheus-port", free_port()]
    return argv, {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_OFFLINE": "1"}  # it would look for a tokenizer outside


def fastapi(run, backends, values):
    argv = [venv("peers", "uvicorn"), "fastapi_app:app", "--app-dir", HERE / "templates", "--host", "127.0.0.1"]
    argv += ["--port", values["PORT"], "--no-access-log", "--log-level", "warning"]
    return argv, {"BACKENDS": ",".join(map(str, backends.ports)), "PYTHONDONTWRITEBYTECODE": "1"}


COMMANDS = {"haproxy": haproxy, "nginx": nginx, "envoy": envoy, "sglang": sglang, "fastapi": fastapi}


def start_peer(name, run, backends, cpus, env=None):
    port = free_port()
    values = {"DIR": run.dir, "USER": nginx_user(), "PORT": port, **numbered(backends.ports)}
    argv, settings = COMMANDS[name](run, backends, values)
    process = Process(name, argv, run, {**path_env(), **settings, **(env or {})}, cpus=cpus.target)
    target = Target(name, port, process)
    if name == "sglang":
        target.kind, target.path = "generate", "/generate"
    if name == "fastapi":  # it decodes the answer and writes it anew, without the backend's headers
        target.exact = target.spreads = False
    return target


def start_stand_in(name, run, backends, cpus, command):
    """Any program in the manager's place: it gets PORT and BACKENDS, no Redis, and nothing is registered."""
    port = free_port()
    env = {"PORT": str(port), "BACKENDS": ",".join(map(str, backends.ports))}
    return Target(name, port, Process(name, shlex.split(command), run, env, cpus=cpus.target))


def start_manager(name, run, backends, cpus, env=None):
    redis = manager.Redis(run, f"redis-{name}", cpus)
    if name == "manager-auth":
        env = {**(env or {}), "AUTH_KEYS_FILE": str(manager.keys_file(run))}
    port, process = manager.start_replica(run, redis, name, cpus.target, env)
    if name == "manager-auth":
        SHOWN[port] = {"Authorization": f"Bearer {manager.KEY}"}
    target = Target(name, port, process)
    target.redis = redis
    ports = [port]
    for i in (2, 3) if name == "manager-3" else ():
        other, more = manager.start_replica(run, redis, f"{name}-r{i}", cpus.rest)
        ports.append(other)
        target.others.append(more)
    for i, url in enumerate(backends.urls()):
        limit = manager.UNLIMITED if name == "manager-limited" else None
        manager.register(port, manager.service(i, url, limit=limit))
    for p in ports:
        wait_until(f"{name}: 3 services on port {p}", 10, lambda: manager.knows(p, 3), process)
    if name.startswith("manager-shadow"):
        manager.shadow(port, backends.urls())
        target.copies = lambda: manager.copied(port)
        target.kind = "predict" if name == "manager-shadow" else "named"
    return target


def start(name, run, backends, cpus, stand_in=None, env=None):
    if name in PEERS:
        return start_peer(name, run, backends, cpus, env)
    if name not in MANAGERS:
        raise Broken(f"unknown target {name}; known: {', '.join((*MANAGERS, *PEERS))}")
    if stand_in:
        return start_stand_in(name, run, backends, cpus, stand_in)
    return start_manager(name, run, backends, cpus, env)


def verify(target, backends, files, body_names, seconds=60):
    """Right status and body for every body in use, and all three backends reached."""

    def good(name):
        status, headers, body = post(target.port, target.path, files[target.kind, name].read_bytes())
        same = body == backends.answer if target.exact else json.loads(body) == json.loads(backends.answer)
        if status != 200 or not same:
            wanted = f"200 {backends.answer[:60]!r}..."
            raise Broken(f"{target.name}: {name} body answered {status} {body[:200]!r} instead of {wanted}")
        return headers.get("x-backend", "none"), body

    _, answer = wait_until(f"{target.name}: a right answer", seconds, lambda: good(body_names[0]), target.process)
    for name in body_names:
        good(name)
    target.expect = files[target.kind, body_names[0]].with_name(f"expect-{target.name}.json")
    target.expect.write_bytes(answer)
    if target.spreads:
        reaches_all(target, {str(p) for p in backends.ports}, lambda: good(body_names[0])[0])


def reaches_all(target, wanted, ask):
    seen = set()

    def complete():
        seen.add(ask())
        return seen == wanted

    try:
        wait_until(f"{target.name}: answers of all three backends", 15, complete, target.process)
    except Broken as error:
        raise Broken(f"{error}; seen: {sorted(seen)} of {sorted(wanted)}") from None
