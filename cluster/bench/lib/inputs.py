"""What every target meets: the request bodies, the model services behind it, the CPUs it may use."""

import json
import os
import random

from harness import Process, free_port, render, wait_until, post

BODY_SIZES = {"small": 307, "big": 20784}


def numbers(size, tail, head):
    """A JSON array of floats that makes head + array + tail exactly `size` bytes long. The same on every run."""
    rng = random.Random(20231)
    items, room = [], size - len(head) - len(tail) - 2
    while True:
        item = f"{rng.uniform(-1, 1):.6f}"
        if items and room - (len(item) + 2) < 12:
            break
        room -= len(item) + (2 if items else 0)
        items.append(item)
    items.append("0." + "1" * (room - 2 - 2))
    return "[" + ", ".join(items) + "]"


def request_bodies(directory):
    """{('predict'|'named'|'generate', 'small'|'big'): file}: predictions, the same that name the version which callers get
    anyway, and sglang's requests; all of the same length."""
    files = {}
    for name, size in BODY_SIZES.items():
        head, tail = '{"model_type": "LSTM", "data": ', ', "model_version": "latest"}'
        predict = head + numbers(size, tail, head) + tail
        named = (predict[: -len(tail)] + ', "model_version": "default"}').replace(" ", "", 1)
        frame = '{"text": "%s", "sampling_params": {"max_new_tokens": 8}}'
        generate = frame % ("x" * (size - len(frame) + 2))
        for kind, text in (("predict", predict), ("named", named), ("generate", generate)):
            assert len(text) == size and json.loads(text), (kind, name, len(text))
            files[kind, name] = directory / f"{kind}-{name}.json"
            files[kind, name].write_text(text)
    return files


class Cpus:
    """Pinned: the measured program has the last CPU for itself, all the rest of the harness the others.

    auto pins on 4 CPUs or more: with fewer, whatever else runs cannot be dodged and the figures scatter more than
    unpinned.
    """

    def __init__(self, mode):
        have = sorted(os.sched_getaffinity(0))
        self.pinned = len(have) >= {"auto": 4, "always": 2, "none": 1 << 30}[mode]
        self.target = {have[-1]} if self.pinned else None
        self.rest = set(have[:-1]) if self.pinned else None


class Backends:
    """Three model services: one nginx worker on three ports. `answer` is what each of them says to every request."""

    def __init__(self, run, cpus):
        self.ports = [free_port() for _ in range(3)]
        values = {"DIR": run.dir, "USER": nginx_user(), **numbered(self.ports)}
        conf = render("backend.conf.in", run.dir / "backend.conf", **values)
        argv = ["nginx", "-p", run.dir, "-e", run.dir / "backend.err", "-c", conf]
        self.process = Process("backend", argv, run, path_env(), cpus=cpus.rest)
        self.answer = wait_until("backend", 10, self._answer, self.process)
        self.expect = run.dir / "expect.json"
        self.expect.write_bytes(self.answer)

    def _answer(self):
        answers = {post(port, "/predict", b"{}")[2] for port in self.ports}
        return answers.pop() if len(answers) == 1 else None

    def urls(self):
        return [f"http://127.0.0.1:{port}" for port in self.ports]


def numbered(ports):
    return {f"B{i + 1}": port for i, port in enumerate(ports)}


def nginx_user():
    return "user root;" if os.getuid() == 0 else ""


def path_env():
    return {"PATH": os.environ.get("PATH", "") + ":/usr/sbin"}
