"""What the clients are to see; each check prints a line, and one that fails does not stop the others."""

import asyncio
import json
import socket
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import tritonclient.http as triton
from kserve import InferenceRESTClient, InferRequest, RESTConfig
from kserve.protocol.infer_type import InferInput as KServeInput

HERE = Path(__file__).resolve().parent
SERIES = np.array([[1, 2, 3, 2, 1, 2, 3, 2, 1, 2, 3, 2]], dtype=np.float64)
ROW = np.array([[1.5, -2.0, 4.0]], dtype=np.float64)


class Sight:
    def __init__(self, url):
        self.url = url
        self.failed = 0
        self.triton = triton.InferenceServerClient(url.removeprefix("http://"), network_timeout=60)

    def check(self, name, look):
        began = time.monotonic()
        try:
            told = look()
            good = told is not False
        except Exception as error:  # noqa: BLE001 - whatever a client throws is a failed check
            told, good = f"{type(error).__name__}: {error}", False
        self.failed += not good
        took = round((time.monotonic() - began) * 1000)
        shown = "" if told in (True, False, None) else f"  {told}"
        print(f"{'ok  ' if good else 'FAIL'} {name} ({took} ms){shown}", flush=True)

    def http(self, method, path, body=None, headers=()):
        """Status and JSON."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.url + path, data, {"content-type": "application/json", **dict(headers)}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=70) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def infer(self, model, rows, version="", binary=True, output=None, name="x"):
        tensor = triton.InferInput(name, list(rows.shape), "FP64")
        tensor.set_data_from_numpy(rows, binary_data=binary)
        wanted = [triton.InferRequestedOutput(output, binary_data=binary)] if output else None
        answer = self.triton.infer(model, [tensor], model_version=version, outputs=wanted)
        return answer.as_numpy(output or answer.get_response()["outputs"][0]["name"])

    def eventually(self, look, seconds=30):
        deadline = time.monotonic() + seconds
        while not look():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        return True


def raises(word, work):
    try:
        work()
    except Exception as error:  # noqa: BLE001
        return word in str(error) and str(error)
    return False


def port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def model(folder, version):
    home = folder / "models" / f"doubler-{version}"
    home.mkdir(parents=True)
    settings = {"name": "doubler", "implementation": "doubler.Doubler", "parameters": {"version": version}}
    (home / "model-settings.json").write_text(json.dumps(settings))


def tokens(folder):
    """Where the manager finds what services want to be shown; none at first."""
    path = folder / "tokens.json"
    if not path.exists():
        path.write_text('{"tokens": {}}')
    return path


def start(programs, folder, built):
    """The manager's address, with all services registered and well."""
    manager = programs.start(
        "manager", [built / "model-manager", "serve"], r"ready url=(\S+)",
        {"API_HOST": "127.0.0.1", "API_PORT": "0", "DATA_DIR": str(folder / "data"), "DRAIN_DELAY": "0",
         "SERVICE_TOKENS_FILE": str(tokens(folder))},
    )
    sight = Sight(manager)
    programs.start(
        "demo", [built / "demo-model-service", "--name", "lstm", "--register-with", manager], r"ready url=(\S+)"
    )
    native = programs.start("native", [sys.executable, HERE / "native.py"], r"ready url=(\S+)")
    ports = {name: port() for name in ("http_port", "grpc_port", "metrics_port")}
    (folder / "models").mkdir()
    (folder / "models" / "settings.json").write_text(
        json.dumps({"host": "127.0.0.1", "parallel_workers": 0, "debug": False, **ports})
    )
    model(folder, "1")
    programs.start(
        "mlserver", [Path(sys.executable).parent / "mlserver", "start", folder / "models"],
        r"(Uvicorn running on|Application startup complete)", {"PYTHONPATH": str(HERE)},
    )
    for form in [
        {"service_id": "ml", "service_url": f"http://127.0.0.1:{ports['http_port']}", "model_version": "1",
         "protocol": "oip"},
        {"service_id": "plain", "service_url": native, "model_version": "3"},
    ]:
        status, said = sight.http(
            "POST", "/services/register", {"model_type": "doubler", "capabilities": ["prediction"], **form}
        )
        assert status == 201, said
    ready = [("LSTM", ""), ("doubler", "1"), ("doubler", "3")]
    assert sight.eventually(lambda: all(sight.triton.is_model_ready(*one) for one in ready)), "not all are ready"
    return sight


def run(programs, folder, built, options):
    sight = start(programs, folder, built)
    reading(sight)
    inferring(sight)
    repository(sight, folder)
    asyncio.run(kserve(sight))
    comparing(sight)
    if options.triton:
        import triton_checks

        triton_checks.run(sight, programs, folder)
    if options.torchserve:
        import torchserve_checks

        torchserve_checks.run(sight, programs, folder, tokens(folder))
    print(f"{sight.failed} checks failed" if sight.failed else "all held")
    return 1 if sight.failed else 0


def reading(sight):
    client = sight.triton
    sight.check("tritonclient: live and ready", lambda: client.is_server_live() and client.is_server_ready())
    sight.check(
        "tritonclient: server metadata", lambda: "model_repository" in client.get_server_metadata()["extensions"]
    )
    sight.check("metadata of a native model", lambda: client.get_model_metadata("LSTM")["inputs"][0]["name"] == "data")
    sight.check(
        "metadata of MLServer's model has all versions",
        lambda: client.get_model_metadata("doubler")["versions"] == ["1", "3"],
    )
    sight.check("config of a native model", lambda: client.get_model_config("LSTM")["name"] == "LSTM")
    sight.check(
        "statistics of a native model",
        lambda: client.get_inference_statistics("LSTM")["model_stats"][0]["name"] == "LSTM",
    )
    sight.check("config that MLServer has not", lambda: raises("[404] Not Found", lambda: client.get_model_config("doubler", "1")))
    sight.check("an unknown model", lambda: raises("no model_type", lambda: client.get_model_metadata("nobody")))
    sight.check(
        "repository index",
        lambda: {(row["name"], row["version"]): row["state"] for row in client.get_model_repository_index()}
        == {("LSTM", "v1"): "READY", ("doubler", "1"): "READY", ("doubler", "3"): "READY"},
    )


def inferring(sight):
    for binary in (True, False):
        form = "binary" if binary else "JSON"
        sight.check(f"infer, native LSTM, {form}", lambda: sight.infer("LSTM", SERIES, binary=binary, name="data").size == 1)
    sight.check(
        "infer, MLServer, JSON", lambda: sight.infer("doubler", ROW, binary=False, output="y").tolist() == [[4, -3, 9]]
    )
    sight.check(
        "infer, native doubler by version", lambda: sight.infer("doubler", ROW, "3", False).flatten().tolist() == [3, -4, 8]
    )
    sight.check(
        "predict, native caller, MLServer",
        lambda: sight.http("POST", "/predict", {"model_type": "doubler", "data": [1.5, 2]})[1]["prediction"] == [4, 5],
    )
    large = np.arange(150_000, dtype=np.float64).reshape(1, -1)
    sight.check(
        "infer, 1.2 MB of binary tensor, native", lambda: sight.infer("doubler", large, "3").size == large.size
    )
    sight.check(
        "an input that cannot be translated",
        lambda: raises("inputs", lambda: sight.triton.infer("LSTM", [], model_version="")),
    )


def repository(sight, folder):
    client = sight.triton
    model(folder, "2")

    def loaded():
        client.load_model("doubler", query_params={"version": "2"})
        return client.is_model_ready("doubler", "2")

    sight.check("load_model brings version 2 to MLServer", loaded)
    sight.check("its outcomes", lambda: str(sight.http("GET", "/models/doubler/versions/2")[1]["deployment"]))
    sight.check(
        "infer, version 2", lambda: sight.infer("doubler", ROW, "2", False, "y").tolist() == [[3, -4, 8]]
    )
    sight.check("load_model of what is loaded", lambda: client.load_model("LSTM"))
    sight.check("load_model of what does not exist", lambda: raises("no model_type", lambda: client.load_model("nobody")))
    sight.check(
        "load_model of a version that the repository has not",
        lambda: raises("", lambda: client.load_model("doubler", {"x-mm-timeout-ms": "1500"}, {"version": "9"})),
    )
    sight.check("unload_model of what callers get", lambda: raises("latest points at it", lambda: client.unload_model("doubler")))
    sight.check("switch to 2", lambda: sight.http("POST", "/models/doubler/switch", {"version": "2"})[0] == 200)
    sight.check("unload_model of version 1", lambda: client.unload_model("doubler", query_params={"version": "1"}))
    sight.check("version 1 is gone", lambda: not client.is_model_ready("doubler", "1"))
    rows = {row["version"]: row for row in client.get_model_repository_index() if row["name"] == "doubler"}
    sight.check("and listed so", lambda: rows["1"]["state"] == "UNAVAILABLE" and rows["1"]["reason"])


async def kserve(sight):
    config = RESTConfig(protocol="v2", timeout=30, verbose=False)
    client = InferenceRESTClient(config)

    async def ask(name, rows, tensor):
        one = KServeInput(name=tensor, shape=list(rows.shape), datatype="FP64", data=rows.flatten().tolist())
        answer = await client.infer(sight.url, InferRequest(model_name=name, infer_inputs=[one]), model_name=name)
        return list(answer.outputs[0].data)

    found = {}
    for name, work in {
        "ready": client.is_server_ready(sight.url), "live": client.is_server_live(sight.url),
        "model ready": client.is_model_ready(sight.url, "LSTM"),
        "infer, native": ask("LSTM", SERIES, "data"), "infer, MLServer": ask("doubler", ROW, "x"),
    }.items():
        try:
            found[name] = await work
        except Exception as error:  # noqa: BLE001
            found[name] = error
    await client.close()
    for name in ("ready", "live", "model ready"):
        sight.check(f"KServe's client: {name}", lambda: found[name] is True)
    sight.check("KServe's client: infer, native", lambda: len(found["infer, native"]) == 1)
    sight.check("KServe's client: infer, MLServer", lambda: found["infer, MLServer"] == [3, -4, 8])


def comparing(sight):
    shadow = {"shadow": {"version": "3", "percent": 100}}

    def compared():
        status, said = sight.http("PUT", "/models/doubler/traffic", shadow)
        if status != 200:
            return said
        for _ in range(5):
            sight.infer("doubler", ROW, "", False, "y")
            sight.http("POST", "/predict", {"model_type": "doubler", "data": [1, 2]})
        figures = {}

        def done():
            figures.update(sight.http("GET", "/models/doubler/versions/3")[1]["shadow"] or {})
            return figures.get("compared", 0) >= 10

        return sight.eventually(done) and figures.get("equal") == 10 and str(figures)

    sight.check("MLServer shadowed by a native service, from both kinds of callers", compared)

    def evaluated():
        rows = [{"data": [1, 2], "expected": [2, 4]}, {"data": [3, 5], "expected": [6, 10]}]
        order = {"dataset": {"inline": rows}, "metric": "mse", "baseline": "3", "threshold": 0.01}
        status, said = sight.http("POST", "/models/doubler/versions/2/evaluate", order)
        if status != 202:
            return False
        verdicts = []

        def done():
            verdicts[:] = sight.http("GET", "/models/doubler/versions/2")[1]["evaluations"]
            return bool(verdicts)

        return sight.eventually(done) and verdicts[0]["passed"] is True and str(verdicts[0])

    sight.check("MLServer's version tested offline against a native one", evaluated)
