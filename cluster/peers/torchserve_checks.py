"""TorchServe itself, with its tokens on as they are by default: deployed to by its management API, asked, retired."""

import json
import re
import shutil
import sys
import sysconfig
import time
import zipfile
from pathlib import Path

from checks import Sight, port

HANDLER = '''
import json


class Handler:
    def initialize(self, context):
        self.version = context.manifest["model"]["modelVersion"]

    def handle(self, requests, context):
        return [self.predict(one.get("body")) for one in requests]

    def predict(self, asked):
        return {"prediction": [int(self.version[0]) * one for one in asked["data"]], "by": self.version}
'''


def archive(store, version, name=None):
    """A model archive is a zip file with a manifest."""
    model = {"modelName": "scaler", "handler": "handler.py", "modelVersion": version}
    with zipfile.ZipFile(store / (name or f"scaler-{version}.mar"), "w") as zipped:
        zipped.writestr("MAR-INF/MANIFEST.json", json.dumps({"runtime": "python", "model": model}))
        zipped.writestr("handler.py", HANDLER)


class TorchServe:
    """With version 1.0 of `scaler`, and archives of others."""

    def __init__(self, programs, folder):
        self.folder = folder / "torchserve"
        self.store = self.folder / "store"
        self.store.mkdir(parents=True)
        (self.folder / "tmp").mkdir()
        archive(self.store, "1.0")
        self.ports = {name: port() for name in ("inference", "management", "metrics")}
        addresses = "".join(f"{n}_address=http://127.0.0.1:{p}\n" for n, p in self.ports.items())
        (self.folder / "config").write_text(
            f"{addresses}enable_grpc=false\nnumber_of_netty_threads=1\ndefault_workers_per_model=1\n"
        )
        self.start(programs, "torchserve", "--enable-model-api")

    def start(self, programs, name, *options):
        """Without its Python wrapper, which would leave the server behind when it is ended."""
        home = Path(sysconfig.get_paths()["purelib"])
        java = shutil.which("java") or sys.exit("--torchserve needs Java 17 or newer")
        programs.start(
            name,
            ["/bin/sh", "-c", 'cd "$0" && exec "$@"', self.folder, java, f"-Dmodel_server_home={home}",
             f"-Djava.io.tmpdir={self.folder}/tmp", "-Xmx512m", "-cp", f"{home}/ts/frontend/*",
             "org.pytorch.serve.ModelServer", "--python", sys.executable, "-f", "config", "-s", "store", "-ncs",
             "-m", "scaler=scaler-1.0.mar", *options],
            r"Management API bind to",
            {"LOG_LOCATION": f"{self.folder}/logs", "METRICS_LOCATION": f"{self.folder}/logs"},
        )

    def url(self, name):
        return f"http://127.0.0.1:{self.ports[name]}"

    def tokens(self):
        """What it handed out at its start, in the form of SERVICE_TOKENS_FILE."""
        keys = json.loads((self.folder / "key_file.json").read_text())
        return {"tokens": {f"127.0.0.1:{self.ports[n]}": keys[n]["key"] for n in ("inference", "management")}}


def run(sight: Sight, programs, folder, tokens):
    """`tokens` is the manager's SERVICE_TOKENS_FILE."""
    served = TorchServe(programs, folder)
    form = {"service_id": "torch", "service_url": served.url("inference"), "model_type": "scaler",
            "model_version": "1.0", "capabilities": ["prediction"],
            "metadata": {"deployment": "torchserve", "management_url": served.url("management")}}
    assert sight.http("POST", "/services/register", form)[0] == 201

    def status(probe=""):
        return sight.http("GET", f"/services/torch/health{probe}")[1]["status"]

    sight.check("TorchServe: without its token its probe is refused", lambda: status("?probe=true") == "unhealthy")
    archive(served.store, "2.0")
    sight.check("TorchServe: without its token nothing is deployed", lambda: "Token" in deployed(sight, "2.0", "failed"))
    tokens.write_text(json.dumps(served.tokens()))
    sight.check(
        "TorchServe: with its tokens, read anew from their file, it is healthy",
        lambda: sight.eventually(lambda: status("?probe=true") == "healthy"),
    )
    sight.check("TorchServe: predict, the version it began with", lambda: predicted(sight, "1.0", [2, 4]) == [2, 4])
    sight.check("TorchServe: deploy 2.0", lambda: deployed(sight, "2.0", "loaded") == "")
    sight.check("TorchServe: predict by version", lambda: predicted(sight, "2.0", [2, 4]) == [4, 8])
    sight.check("TorchServe: latest has stayed", lambda: predicted(sight, "latest", [1]) == [1])
    sight.check("TorchServe: deploy 2.0 once more", lambda: deployed(sight, "2.0", "loaded") == "")
    archive(served.store, "9.0", "scaler-3.0.mar")
    sight.check(
        "TorchServe: an archive of another version", lambda: "Version: 9.0" in deployed(sight, "3.0", "failed")
    )
    sight.check("TorchServe: no such archive", lambda: "not found" in deployed(sight, "4.0", "failed"))
    refused(sight)
    life(sight, served)
    without_model_api(sight, programs, served, tokens)


def deployed(sight, version, outcome):
    """The reason of the outcome, which must be this one."""
    order = {"version": version, "artifact": f"scaler-{version}.mar", "parameters": {"batch_size": 1}}
    assert sight.eventually(lambda: sight.http("POST", "/models/scaler/versions", order)[0] == 202)
    found = {}

    def done():
        found.update(sight.http("GET", f"/models/scaler/versions/{version}")[1]["deployment"])
        return not found["under_way"]

    assert sight.eventually(done, 90), found
    one = found["services"][0]
    assert one["outcome"] == outcome, found
    return one.get("reason") or ""


def predicted(sight, version, data):
    status, said = sight.http("POST", "/predict", {"model_type": "scaler", "model_version": version, "data": data})
    assert status == 200, said
    return said["prediction"]


def refused(sight):
    """It answers 503 to what its handler cannot read. That is not held against it."""

    def asked():
        bad = {"model_type": "scaler", "nothing": 1}
        return [sight.http("POST", "/predict", bad, {"x-mm-max-retries": "0"})[0] for _ in range(12)]

    sight.check("TorchServe: what its handler cannot read is 503", lambda: set(asked()) == {503})
    sight.check("TorchServe: and opens no breaker", lambda: predicted(sight, "2.0", [1]) == [2])


def life(sight, served):
    rows = [{"data": [1, 2], "expected": [2, 4]}]

    def evaluated():
        order = {"dataset": {"inline": rows}, "metric": "mse", "threshold": 0.01}
        assert sight.http("POST", "/models/scaler/versions/2.0/evaluate", order)[0] == 202
        verdicts = lambda: sight.http("GET", "/models/scaler/versions/2.0")[1]["evaluations"]  # noqa: E731
        return sight.eventually(lambda: verdicts() and verdicts()[-1]["passed"] is True)

    sight.check("TorchServe: version 2.0 tested offline", evaluated)
    sight.check("TorchServe: switch", lambda: sight.http("POST", "/models/scaler/switch", {"version": "2.0"})[0] == 200)
    sight.check("TorchServe: latest is the new one", lambda: predicted(sight, "latest", [1]) == [2])

    def retired():
        assert sight.http("POST", "/models/scaler/versions/1.0/retire", {})[0] == 202
        state = lambda: sight.http("GET", "/models/scaler/versions/1.0")[1]  # noqa: E731
        return sight.eventually(lambda: state()["state"] == "retired") and str(state())

    sight.check("TorchServe: retire the version that it took for the default", retired)

    def left():
        held = Sight(served.url("management"))
        token = served.tokens()["tokens"][f"127.0.0.1:{served.ports['management']}"]
        return held.http("GET", "/models/scaler/all", headers={"authorization": f"Bearer {token}"})[1]

    sight.check("TorchServe: it unloaded that one", lambda: {m["modelVersion"] for m in left()} == {"2.0", "9.0"})
    sight.check("TorchServe: and serves on", lambda: predicted(sight, "latest", [1]) == [2])


def without_model_api(sight, programs, served, tokens):
    """As it is by default: restarted with new tokens, and deaf to orders."""
    programs.stop("torchserve")
    time.sleep(0.5)
    served.start(programs, "torchserve-plain")
    tokens.write_text(json.dumps(served.tokens()))
    wanted = re.compile("model API is off")

    def told():
        reason = deployed(sight, "5.0", "skipped")
        return bool(wanted.search(reason)) and reason

    sight.check("TorchServe: without its model API a deployment is skipped", lambda: sight.eventually(
        lambda: sight.http("GET", "/services/torch/health?probe=true")[1]["status"] == "healthy") and told())
