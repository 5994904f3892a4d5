"""The words of the stories: each is a pattern and what it does. A condition returns None when it holds, else a complaint.

Steps:       start N replicas [with sentinel] [KEY=VALUE ...]; load N/s [over all replicas]; stop sending; end the load;
             wait N s; kill|pause|resume|restart|terminate WHO; roll; empty redis; limit SERVICE N; weigh SERVICE N;
             fault SERVICE {...}; send N requests to WHO; predict N times through every replica; remember the leader;
             deploy VERSION; test V with N samples; train N epochs; kill the replica that runs the job; cancel the job
Conditions:  within N s: CONDITION; for N s: CONDITION; now: CONDITION
WHO:         r1, lstm_a, redis, the leader, a follower, the primary, the same (whoever was spoken of last)"""

import json
import pathlib
import re
import subprocess
import threading
import time

from load import BODY


class Failed(Exception):
    """A step that could not be played."""


class Unmet(Failed):
    """A condition that did not hold in time: what a negative control must come to."""


STEPS, CONDITIONS = [], []


def step(pattern):
    return lambda function: STEPS.append((re.compile(pattern), function)) or function


def condition(pattern):
    return lambda function: CONDITIONS.append((re.compile(pattern), function)) or function


def play_step(stage, text):
    for pattern, function in STEPS:
        match = pattern.fullmatch(text)
        if match:
            try:
                return function(stage, *match.groups())
            except (OSError, RuntimeError, KeyError, ValueError, subprocess.TimeoutExpired) as error:
                raise Failed(f"{type(error).__name__}: {error}") from error
    raise Failed("no such step")


def find_condition(stage, text):
    for pattern, function in CONDITIONS:
        match = pattern.fullmatch(text)
        if match:
            return lambda: function(stage, *match.groups())
    raise Failed(f"no such condition: {text}")


# Steps.


@step(r"start (\d+) replicas?( with sentinel)?((?: [A-Z_]+=\S+)*)")
def start(stage, count, sentinel, settings):
    stage.start(int(count), bool(sentinel), dict(pair.split("=", 1) for pair in settings.split()))


@step(r"load (\d+)/s( over all replicas)?")
def load(stage, rate, over_all):
    stage.begin_load(int(rate), "replicas" if over_all else "ingress")


@step(r"end the load")
def end_load(stage):
    for load in stage.loads:
        load.end()
    return f"{sum(load.answers for load in stage.loads)} answered, {sum(len(load.failures) for load in stage.loads)} failed"


@step(r"stop sending")
def stop_sending(stage):
    """What is in hand stays there."""
    for load in stage.loads:
        load.end(patience=0)


@step(r"wait ([\d.]+) s")
def wait(stage, seconds):
    time.sleep(float(seconds) * stage.random.uniform(1, 1.1))


@step(r"(kill|pause|resume|restart|terminate) (r\d+|lstm_\w+|redis|ingress|the leader|a follower|the primary|the same)")
def hurt(stage, verb, who):
    name = stage.primary() if who == "the primary" else stage.resolve(who)
    stage.remembered["hurt at"] = time.monotonic()
    getattr(stage, verb)(name)
    return name


@step(r"remember (the leader|the term|the cursor)")
def remember(stage, what):
    cluster = stage.get(stage.replicas()[0], "/cluster")
    stage.remembered["leader"] = cluster["leader"]["replica_id"]
    stage.remembered["term"] = cluster["leader"]["term"]
    return f"{stage.remembered['leader']}, term {stage.remembered['term']}"


@step(r"roll")
def roll(stage):
    stage.local("roll", within=300)
    stage.look()


@step(r"kill and restart every replica, one after another")
def roll_hard(stage):
    for name in list(stage.replicas()):
        stage.kill(name)
        stage.restart(name)


@step(r"empty redis")
def empty(stage):
    stage.redis("flushall")


@step(r"empty redis while no replica lives")
def empty_alone(stage):
    """Nobody is left who knew, in memory or on disk."""
    names = stage.replicas()
    for name in names:
        stage.kill(name)
        pathlib.Path(stage.folder, "c", name, "snapshot.json").unlink(missing_ok=True)
    stage.redis("flushall")
    for name in names:
        stage.restart(name)


@step(r"kill every sentinel and the primary")
def kill_sentinels(stage):
    for name in [*(name for name in stage.addresses if name.startswith("sentinel-")), stage.primary()]:
        stage.kill(name)


@step(r"kill the replica that probes")
def kill_prober(stage):
    """The one that has a request in hand while nobody sends any; replicas tell of that six times a lease."""
    until, busy = time.monotonic() + 25, []
    while len(busy) != 1 and time.monotonic() < until:
        time.sleep(0.1)
        shown = stage.get(stage.replicas()[0], "/cluster")["replicas"]
        busy = [stage.name_of(one["replica_id"]) for one in shown if one["in_flight"]]
    if len(busy) != 1:
        raise Failed(f"not one replica has a request in hand: {shown}")
    stage.kill(busy[0])
    return busy[0]


@step(r"do nothing")
def nothing(stage):
    pass


@step(r"limit (\S+) (\d+)")
def limit(stage, service, count):
    status, _, body = stage.ask("ingress", "PATCH", f"/services/{service}", {"max_concurrent_requests": int(count)})
    if status != 200:
        raise Failed(f"{status} {body}")


@step(r"weigh (\S+) (\d+)")
def weigh(stage, service, weight):
    status, _, body = stage.ask("ingress", "PATCH", f"/services/{service}", {"weight": int(weight)})
    if status != 200:
        raise Failed(f"{status} {body}")


@step(r"fault (\S+) (\{.*\})")
def fault(stage, service, settings):
    status, _, body = stage.ask(service, "POST", "/_fault", json.loads(settings))
    if status >= 300:
        raise Failed(f"{status} {body}")


@step(r"send (\d+) requests? to (.+)")
def send(stage, count, who):
    """In the background, each on a connection of its own; nobody waits for the answers."""
    name = stage.resolve(who)

    def ask():
        try:
            stage.ask(name, "POST", "/predict", json.loads(BODY), timeout=60)
        except OSError:
            pass

    for _ in range(int(count)):
        threading.Thread(target=ask, daemon=True).start()
    return name


@step(r"predict (\d+) times through every replica")
def predict(stage, count):
    """One after another, in turn."""
    names = stage.replicas()
    for number in range(int(count)):
        status, headers, body = stage.ask(names[number % len(names)], "POST", "/predict", json.loads(BODY))
        if status != 200:
            raise Failed(f"{status} {body}")
        counts = stage.remembered.setdefault("shares", {})
        service = headers["x-mm-service"]
        counts[service] = counts.get(service, 0) + 1
    return str(stage.remembered["shares"])


@step(r"train (\d+) epochs")
def train(stage, epochs):
    request = {"model_type": "LSTM", "config": {"epochs": int(epochs), "hidden": 32}}
    status, _, body = stage.ask(stage.random.choice(stage.replicas()), "POST", "/train", request)
    if status != 202:
        raise Failed(f"{status} {body}")
    stage.remembered["job"] = body["job_id"]
    return body["job_id"]


@step(r"deploy (\S+)")
def deploy(stage, version):
    who = stage.random.choice(stage.replicas())
    status, _, body = stage.ask(who, "POST", "/models/LSTM/versions", {"version": version})
    if status != 202:
        raise Failed(f"{status} {body}")
    stage.remembered["version"] = version


@condition(r"version (\S+) is (\w+) on every replica")
def version_is(stage, version, state):
    seen = {}
    for name in stage.replicas():
        status, _, body = stage.ask(name, "GET", f"/models/LSTM/versions/{version}")
        seen[name] = body["state"] if status == 200 else status
    return None if set(seen.values()) == {state} else f"{seen}"


@condition(r"version (\S+) is loaded at (\d+) services?")
def version_is_loaded(stage, version, count):
    deployment = stage.get(stage.replicas()[0], f"/models/LSTM/versions/{version}")["deployment"]
    loaded = [row["service_id"] for row in deployment["services"] if row["outcome"] == "loaded"]
    return None if len(loaded) == int(count) else f"{deployment}"


@step(r"kill the replica that runs the job")
def kill_runner(stage):
    job = job_at(stage, stage.replicas()[0])
    stage.remembered.update({"runner": job["runner"], "progress": job["progress"] or 0, "hurt at": time.monotonic()})
    stage.kill(stage.name_of(job["runner"]))
    return f"{job['runner']}, {job['phase']}"


@step(r"test (v\d+) with (\d+) samples")
def test_version(stage, version, count):
    dataset = {"inline": [{"data": [1, 2, 3], "expected": 2}] * int(count)}
    request = {"dataset": dataset, "metric": "mae", "threshold": 1000}
    path = f"/models/LSTM/versions/{version}"
    status, _, body = stage.ask(stage.random.choice(stage.replicas()), "POST", f"{path}/evaluate", request)
    if status != 202:
        raise Failed(f"{status} {body}")
    stage.remembered["test"] = (path, body["evaluation_id"])
    return body["evaluation_id"]


@step(r"cancel the job")
def cancel_job(stage):
    status, _, body = stage.ask(stage.random.choice(stage.replicas()), "DELETE", f"/train/{stage.remembered['job']}")
    if status not in (200, 202):
        raise Failed(f"{status} {body}")


@step(r"within ([\d.]+) s: (.+)")
def within(stage, seconds, text):
    begin = time.monotonic()
    complaint = stage.eventually(float(seconds), find_condition(stage, text))
    if complaint:
        raise Unmet(f"not within {seconds} s: {complaint}")
    return f"after {time.monotonic() - stage.remembered.get('hurt at', begin):.2f} s"


@step(r"for ([\d.]+) s: (.+)")
def throughout(stage, seconds, text):
    holds, end = find_condition(stage, text), time.monotonic() + float(seconds)
    while time.monotonic() < end:
        complaint = holds()
        if complaint:
            raise Unmet(complaint)
        time.sleep(0.1)


@step(r"now: (.+)")
def now(stage, text):
    complaint = find_condition(stage, text)()
    if complaint:
        raise Unmet(complaint)


# Conditions.


def everywhere(stage, look):
    """The complaint of the first replica that has one."""
    for name in stage.replicas():
        complaint = look(name)
        if complaint:
            return f"{name}: {complaint}"
    return None


@condition(r"(one|another) leader on every replica")
def leader(stage, which):
    seen = set()
    for name in stage.replicas():
        leader = stage.get(name, "/cluster")["leader"] or {}
        seen.add((leader.get("replica_id"), leader.get("term")))
    if len(seen) != 1:
        return f"they name {sorted(map(str, seen))}"
    replica, term = seen.pop()
    if stage.name_of(replica) not in stage.replicas():
        return f"they name {replica}, which is gone"
    if which == "another" and (replica == stage.remembered["leader"] or term <= stage.remembered["term"]):
        return f"{replica} leads in term {term}, as before"
    return None


@condition(r"(\d+) replicas on every replica")
def replicas(stage, count):
    def look(name):
        shown = [one["replica_id"] for one in stage.get(name, "/cluster")["replicas"]]
        return None if len(shown) == int(count) else f"shows {shown}"

    return everywhere(stage, look)


@condition(r"(\d+) services on every replica")
def services(stage, count):
    def look(name):
        shown = [one["service_id"] for one in stage.get(name, "/services")["services"]]
        return None if len(shown) == int(count) else f"shows {shown}"

    return everywhere(stage, look)


@condition(r"redis has (\d+) services")
def services_in_redis(stage, count):
    shown = stage.redis("zcard", "mm:{mm}:services")
    return None if shown == count else f"it has {shown}"


@condition(r"(\S+) is (healthy|unhealthy|unknown|draining) on every replica")
def status(stage, service, wanted):
    def look(name):
        shown = stage.get(name, f"/services/{service}")["status"]
        return None if shown == wanted else f"{service} is {shown}"

    return everywhere(stage, look)


@condition(r"the breaker of (\S+) is (?:not )?(closed|open|half_open) on every replica")
def breaker(stage, service, wanted):
    def look(name):
        shown = stage.get(name, f"/services/{service}")["circuit_breaker"]
        return None if shown == wanted else f"the breaker of {service} is {shown}"

    return everywhere(stage, look)


@condition(r"(healthy|degraded) on every replica")
def health(stage, wanted):
    def look(name):
        shown = stage.ask(name, "GET", "/health")[2]["status"]
        return None if shown == wanted else f"is {shown}"

    return everywhere(stage, look)


@condition(r"changes are (refused|taken) on every replica")
def changes(stage, wanted):
    def look(name):
        status, _, body = stage.ask(name, "PATCH", "/services/lstm_a", {"metadata": {"asked": name}})
        code = body.get("code") if isinstance(body, dict) else None
        refused = status == 503 and code == "store_unavailable"
        return None if (refused if wanted == "refused" else status == 200) else f"{status} {body}"

    return everywhere(stage, look)


@condition(r"answers are (marked stale|fresh) on every replica")
def stale(stage, wanted):
    def look(name):
        status, headers, body = stage.ask(name, "POST", "/predict", json.loads(BODY))
        marked = headers.get("x-mm-stale") is not None
        if status != 200:
            return f"{status} {body}"
        return None if marked == (wanted == "marked stale") else f"x-mm-stale: {headers.get('x-mm-stale')}"

    return everywhere(stage, look)


@condition(r"(r\d+) answers a prediction")
def answers(stage, name):
    """Itself, and now: a request that waits in vain for a permit is refused."""
    status, _, body = stage.ask(name, "POST", "/predict", json.loads(BODY), timeout=8)
    return None if status == 200 else f"{status} {body}"


@condition(r"no prediction failed")
def none_failed(stage):
    failures = [failure for load in stage.loads for failure in load.failures]
    if not sum(load.answers for load in stage.loads):
        return "there were none"
    return f"{len(failures)} failed, the first: {failures[0]}" if failures else None


@condition(r"at most (\d+) predictions failed")
def few_failed(stage, count):
    failures = [failure for load in stage.loads for failure in load.failures]
    return f"{len(failures)} failed, such as {failures[:3]}" if len(failures) > int(count) else None


@condition(r"(\S+) has (\d+) in flight")
def in_flight(stage, service, count):
    shown = figures(stage, service)["in_flight"]
    return None if shown == int(count) else f"it has {shown}"


@condition(r"(\S+) never had more than (\d+) in flight")
def in_flight_most(stage, service, count):
    shown = figures(stage, service)["in_flight_most"]
    return None if shown <= int(count) else f"it had {shown}"


@condition(r"the shares differ by at most (\d+)")
def shares(stage, bound):
    counts = stage.remembered.get("shares") or {}
    if len(counts) < 2:
        return f"shares {counts}"
    spread = max(counts.values()) - min(counts.values())
    return None if spread <= int(bound) else f"shares {counts}"


@condition(r"the job is (\w+) on every replica")
def job_is(stage, wanted):
    """Its status, or what its runner is at."""

    def look(name):
        job = job_at(stage, name)
        return None if wanted in (job["status"], job["phase"]) else f"{job}"

    return everywhere(stage, look)


@condition(r"another replica runs the job")
def another_runs(stage):
    """And hears from the trainer."""
    job = job_at(stage, stage.replicas()[0])
    is_other = job["runner"] not in (None, stage.remembered["runner"])
    return None if is_other and (job["progress"] or 0) > stage.remembered["progress"] else f"{job}"


@condition(r"the trainers began (\d+) trainings?")
def began(stage, count):
    trainers = [name for name in stage.addresses if name.startswith("lstm_")]
    found = [name for name in trainers for job in range(1, 9) if stage.ask(name, "GET", f"/train/job-{job}")[0] == 200]
    return None if len(found) == int(count) else f"they began {found}"


@condition(r"the test is passed on every replica")
def test_passed(stage):
    path, test = stage.remembered["test"]

    def look(name):
        verdicts = stage.get(name, path)["evaluations"]
        found = [verdict for verdict in verdicts if verdict["evaluation_id"] == test]
        return None if len(found) == 1 and found[0]["passed"] else f"verdicts {verdicts}"

    return everywhere(stage, look)


def job_at(stage, name):
    return stage.get(name, f"/train/{stage.remembered['job']}")


def figures(stage, service):
    shown = stage.get(service, "/_stats")
    return {re.sub(r"([A-Z])", lambda match: "_" + match[1].lower(), key): value for key, value in shown.items()}
