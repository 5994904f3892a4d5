"""Words of the stories about the life of models: switches, canaries, retirements, and what was written down of them.

Steps:       switch to VERSION through WHO, waiting for nobody; canary to VERSION by 10,50,100 every N s;
             retire VERSION; ask N times for VERSION at WHO; predict N times over all replicas at once
Conditions:  VERSION answered between N and N of them; VERSION is the latest on every replica; predictions are answered
             by VERSION on every replica; the canary is WORD on every replica; the canary is at step N;
             N requests of VERSION are held; the events tell of KIND N times [of WORDS]"""

import collections
import http.client
import json
import threading

from load import BODY
from steps import Failed, condition, everywhere, step


def in_background(stage, name, method, path, body):
    def ask():
        try:
            stage.ask(name, method, path, body, timeout=60)
        except OSError:
            pass

    threading.Thread(target=ask, daemon=True).start()


@step(r"switch to (\S+) through (.+), waiting for nobody")
def switch(stage, version, who):
    name = stage.resolve(who)
    in_background(stage, name, "POST", "/models/LSTM/switch", {"version": version, "timeout": 50})
    return name


@step(r"canary to (\S+) by ([\d,]+) every ([\d.]+) s")
def canary(stage, version, steps, interval):
    order = {"steps": [int(share) for share in steps.split(",")], "interval": float(interval)}
    who = stage.random.choice(stage.replicas())
    status, _, body = stage.ask(who, "POST", "/models/LSTM/switch", {"version": version, "canary": order})
    if status != 202:
        raise Failed(f"{status} {body}")


@step(r"retire (\S+)")
def retire(stage, version):
    path = f"/models/LSTM/versions/{version}/retire"
    status, _, body = stage.ask(stage.random.choice(stage.replicas()), "POST", path, {"timeout": 60})
    if status != 202:
        raise Failed(f"{status} {body}")


@step(r"ask (\d+) times for (\S+) at (.+)")
def ask_for(stage, count, version, who):
    """In the background: nobody waits for the answers."""
    name = stage.resolve(who)
    for _ in range(int(count)):
        in_background(stage, name, "POST", "/predict", {**json.loads(BODY), "model_version": version})
    return name


@step(r"predict (\d+) times over all replicas at once")
def predict_at_once(stage, count):
    """Two connections to each replica; every one asks as often, one request after another."""
    names = stage.replicas() * 2
    answers, lock = collections.Counter(), threading.Lock()

    def ask(name, share):
        own = collections.Counter()
        connection = http.client.HTTPConnection(stage.addresses[name], timeout=20)
        try:
            for _ in range(share):
                connection.request("POST", "/predict", BODY, {"content-type": "application/json"})
                answer = connection.getresponse()
                answer.read()
                own[answer.headers.get("x-mm-model-version") if answer.status == 200 else str(answer.status)] += 1
        except OSError as error:
            own[type(error).__name__] += 1
        with lock:
            answers.update(own)

    shares = [(int(count) + place) // len(names) for place in range(len(names))]
    threads = [threading.Thread(target=ask, args=pair, daemon=True) for pair in zip(names, shares)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    stage.remembered["answers"] = answers
    return f"{dict(answers)}"


@condition(r"(\S+) answered between (\d+) and (\d+) of them")
def answered_between(stage, version, least, most):
    answers = stage.remembered["answers"]
    return None if int(least) <= answers[version] <= int(most) else f"{dict(answers)}"


@condition(r"(\S+) is the latest on every replica")
def latest(stage, version):
    def look(name):
        shown = stage.get(name, "/models/LSTM")["latest"]
        return None if shown == version else f"the latest is {shown}"

    return everywhere(stage, look)


@condition(r"predictions are answered by (\S+) on every replica")
def answered_by(stage, version):
    def look(name):
        status, headers, body = stage.ask(name, "POST", "/predict", json.loads(BODY))
        shown = headers.get("x-mm-model-version")
        return None if status == 200 and shown == version else f"{status} by {shown}: {body}"

    return everywhere(stage, look)


@condition(r"the canary is (running|settling|succeeded|rolled_back) on every replica")
def canary_is(stage, state):
    def look(name):
        rollout = stage.get(name, "/models/LSTM")["rollout"]
        return None if rollout and rollout["state"] == state else f"{rollout}"

    return everywhere(stage, look)


@condition(r"the canary is at step (\d+)")
def canary_step(stage, number):
    rollout = stage.get(stage.replicas()[0], "/models/LSTM")["rollout"]
    return None if rollout and rollout["step"] == int(number) else f"{rollout}"


@condition(r"(\d+) requests of (\S+) are held")
def held(stage, count, version):
    holders = stage.get(stage.replicas()[0], f"/models/LSTM/versions/{version}")["in_flight"]
    return None if holders["total"] == int(count) else f"{holders}"


@condition(r"the events tell of (\w+) (\d+) times?(?: of (.+))?")
def events(stage, kind, count, words):
    told = [one for one in stage.get(stage.replicas()[0], "/events?limit=1000")["events"] if one["kind"] == kind]
    told = [one for one in told if not words or words in one["detail"]]
    return None if len(told) == int(count) else f"{told}"
