"""NVIDIA's Triton itself, on the processor, from the wheel of pytriton: binary tensors, configuration, statistics, load."""

import json
import shutil
import sysconfig
from pathlib import Path

from checks import ROW, Sight, port

HERE = Path(__file__).resolve().parent
CONFIGURATION = """name: "tripler"
backend: "python"
max_batch_size: 0
input [{ name: "x" data_type: TYPE_FP64 dims: [-1, -1] }]
output [{ name: "y" data_type: TYPE_FP64 dims: [-1, -1] }]
version_policy: { all {} }
instance_group [{ kind: KIND_CPU }]
"""


def version(folder, name):
    home = folder / "triton" / "tripler" / name
    home.mkdir(parents=True)
    text = (HERE / "tripler.py").read_text().replace("SITE_PACKAGES", sysconfig.get_paths()["purelib"])
    (home / "model.py").write_text(text)


def start(programs, folder):
    """The address of a Triton with version 1 of `tripler`."""
    packages = Path(sysconfig.get_paths()["purelib"])
    wheel = packages / "pytriton" / "tritonserver"
    python = f"{sysconfig.get_python_version()}"
    shutil.copytree(wheel / "backends", folder / "backends")
    stub = wheel / "python_backend_stubs" / python / "triton_python_backend_stub"
    shutil.copy(stub, folder / "backends" / "python")
    version(folder, "1")
    (folder / "triton" / "tripler" / "config.pbtxt").write_text(CONFIGURATION)
    number = port()
    programs.start(
        "triton",
        [wheel / "bin" / "tritonserver", f"--model-repository={folder}/triton",
         f"--backend-directory={folder}/backends", "--model-control-mode=explicit", "--load-model=tripler",
         "--http-address=127.0.0.1", f"--http-port={number}", "--allow-grpc=false", "--allow-metrics=false"],
        r"Started HTTPService",
        {"LD_LIBRARY_PATH": str(packages / "nvidia_pytriton.libs")},
    )
    return f"http://127.0.0.1:{number}"


def run(sight: Sight, programs, folder):
    url = start(programs, folder)
    form = {"service_id": "triton", "service_url": url, "model_type": "tripler", "model_version": "1", "protocol": "oip",
            "capabilities": ["prediction"]}
    assert sight.http("POST", "/services/register", form)[0] == 201
    client = sight.triton
    sight.check("Triton: ready", lambda: sight.eventually(lambda: client.is_model_ready("tripler", "1")))
    sight.check("Triton: metadata", lambda: client.get_model_metadata("tripler")["inputs"][0]["name"] == "x")
    sight.check("Triton: configuration", lambda: client.get_model_config("tripler")["backend"] == "python")
    good = (ROW * 3).tolist()

    def asked(binary):
        told = sight.infer("tripler", ROW, "", binary, "y").tolist()
        assert told == good, told

    for binary in (True, False):
        form = "binary" if binary else "JSON"
        sight.check(f"Triton: infer, {form}", lambda: asked(binary))
    sight.check(
        "Triton: predict, native caller",
        lambda: sight.http("POST", "/predict", {"model_type": "tripler", "data": [1, 2]})[1]["prediction"] == [3, 6],
    )
    sight.check(
        "Triton: statistics count those",
        lambda: client.get_inference_statistics("tripler")["model_stats"][0]["inference_stats"]["success"]["count"] == 3,
    )
    version(folder, "2")

    def loaded():
        client.load_model("tripler", query_params={"version": "2"})
        return client.is_model_ready("tripler", "2") and sight.infer("tripler", ROW, "2", True, "y").tolist() == good

    sight.check("Triton: load_model brings version 2", loaded)

    def overridden():
        config = {
            "backend": "python", "max_batch_size": 0, "parameters": {"said": {"string_value": "so"}},
            "input": [{"name": "x", "data_type": "TYPE_FP64", "dims": [-1, -1]}],
            "output": [{"name": "y", "data_type": "TYPE_FP64", "dims": [-1, -1]}],
            "version_policy": {"all": {}}, "instance_group": [{"kind": "KIND_CPU"}],
        }
        client.load_model("tripler", config=json.dumps(config))
        return client.get_model_config("tripler")["parameters"]["said"]["string_value"] == "so"

    sight.check("Triton: load_model with a configuration of the caller's", overridden)

    def compared():
        assert sight.http("PUT", "/models/tripler/traffic", {"shadow": {"version": "2", "percent": 100}})[0] == 200
        for _ in range(5):
            sight.infer("tripler", ROW, "", True, "y")
        figures = {}

        def done():
            figures.update(sight.http("GET", "/models/tripler/versions/2")[1]["shadow"] or {})
            return figures.get("compared", 0) >= 5

        return sight.eventually(done) and figures.get("equal") == 5 and str(figures)

    sight.check("Triton: versions compared by binary tensors", compared)
