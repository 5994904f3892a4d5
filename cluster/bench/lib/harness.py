"""Processes, CPU clocks, ports, scratch: what every script of this folder stands on."""

import contextlib
import ctypes
import fcntl
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import http.client
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
WORK = Path(os.environ.get("MM_WORK") or os.path.join(tempfile.gettempdir(), "model-manager-bench")).resolve()
PACE = WORK / "bin" / "pace"
CLOCK_TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1


class Broken(Exception):
    """The measurement is void: exit status 2."""


def note(text):
    print(text, file=sys.stderr, flush=True)


def free_port():
    """A loopback port nobody listens on, below the range that the kernel hands to outgoing connections."""
    for _ in range(200):
        port = random.randrange(20000, 30000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise Broken("no free loopback port between 20000 and 30000")


def render(name, target, **values):
    text = (HERE / "templates" / name).read_text()
    for key, value in values.items():
        text = text.replace(f"@{key}@", str(value))
    if left := re.findall(r"@[A-Z0-9]+@", text):
        raise Broken(f"{name}: no value for {left}")
    Path(target).write_text(text)
    return str(target)


def process_table():
    """{parent: [children]} of everything that runs now."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                stat = Path(f"/proc/{entry}/stat").read_text()
                fields = stat[stat.rindex(")") + 2 :].split()
                if fields[0] != "Z":
                    children.setdefault(int(fields[1]), []).append(int(entry))
    return children


def descendants(pid, children=None):
    children = process_table() if children is None else children
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def process_cpu_ns(pid):
    """All threads of a process, the ended ones included: the scheduler's own sum (what schedstat shows per thread)."""
    try:
        return time.clock_gettime_ns(((~pid) << 3) | 2)
    except OSError:
        total = 0
        for task in os.listdir(f"/proc/{pid}/task"):
            total += int(Path(f"/proc/{pid}/task/{task}/schedstat").read_text().split()[0])
        return total


def die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def sibling(script, *words):
    """Runs another script of this folder, which dies with this one. Its exit status; what it prints passes through."""
    sys.stdout.flush()
    return subprocess.run([str(HERE / script), *map(str, words)], preexec_fn=die_with_parent).returncode


def write_result(path, kind, result):
    """What --json writes: `kind` tells the reader which script measured."""
    try:
        Path(path).write_text(json.dumps({"kind": kind, **result}, indent=1))
    except OSError as error:
        raise Broken(f"cannot write {path}: {error}") from None


class Process:
    """A child in a session of its own. It dies with the harness; `stop` ends its whole group."""

    def __init__(self, name, argv, run, env=None, cwd=None, cpus=None, separate_output=False):
        self.name, self.log = name, run.dir / f"{name}.log"
        self.output = run.dir / f"{name}.out" if separate_output else self.log  # where stdout goes
        environment = {**os.environ, **(env or {})}

        def child():
            die_with_parent()
            if cpus:
                os.sched_setaffinity(0, cpus)

        with open(self.log, "ab") as log, open(self.output, "ab") as output:
            try:
                self.child = subprocess.Popen(
                    [str(a) for a in argv],
                    env=environment,
                    cwd=cwd or run.dir,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=log,
                    start_new_session=True,
                    preexec_fn=child,
                )
            except OSError as error:
                raise Broken(f"{name}: cannot start {argv[0]}: {error}") from None
        self.pid = self.child.pid
        run.processes.append(self)

    def exit_status(self):
        """None while it runs. It is not reaped here, so that its process id stays ours until `stop`."""
        if self.child.returncode is not None:
            return self.child.returncode
        info = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if info is None:
            return None
        return info.si_status if info.si_code == os.CLD_EXITED else -info.si_status

    def check(self):
        status = self.exit_status()
        if status is not None:
            raise Broken(f"{self.name} ended by itself with status {status}; {self.tail()}")

    def tail(self):
        files = [path for path in dict.fromkeys((self.output, self.log)) if path.exists()]
        text = "".join(path.read_text(errors="replace") for path in files)
        return f"the end of its log:\n{text[-20000:] or '(empty)'}"

    def cpu(self, children=None):
        """{pid: nanoseconds} of the process and all its descendants."""
        self.check()
        result = {}
        for pid in descendants(self.pid, children):
            with contextlib.suppress(OSError):
                result[pid] = process_cpu_ns(pid)
        return result

    def rss_mb(self):
        total = 0
        for pid in descendants(self.pid):
            with contextlib.suppress(OSError):
                total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
        return total / 1e6

    def stop(self, grace=5):
        if self.child.returncode is not None:
            return self.child.returncode
        self._signal(signal.SIGTERM)
        end = time.monotonic() + grace
        while self.exit_status() is None and time.monotonic() < end:
            time.sleep(0.02)
        self._signal(signal.SIGKILL)  # what is left of the group; the id is still ours, nobody reaped it
        return self.child.wait(10)

    def _signal(self, number):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


def spent(process, before, after):
    """CPU seconds between two `cpu()` readings. A descendant that vanished makes them worthless."""
    if gone := set(before) - set(after):
        raise Broken(f"{process.name}: process {sorted(gone)} of it ended during the measurement; {process.tail()}")
    return sum(after[pid] - before.get(pid, 0) for pid in after) / 1e9


def cpu_of(processes):
    children = process_table()
    return {p.pid: p.cpu(children) for p in processes}


def machine_busy():
    fields = [int(x) for x in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    user, nice, system, _idle, _iowait, irq, softirq, steal = fields
    return (user + nice + system + irq + softirq + steal) / CLOCK_TICK


class Run:
    """Scratch folder, processes and deadline of one invocation."""

    def __init__(self, limit):
        WORK.mkdir(parents=True, exist_ok=True)
        self.processes = []
        self.lock = open(WORK / "bench.lock", "w")
        end = time.monotonic() + 120
        while True:
            try:
                fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() > end:
                    raise Broken("another benchmark holds the machine (bench.lock) for more than 2 minutes") from None
                time.sleep(0.5)
        for old in sorted(WORK.glob("bench-*"), key=lambda p: p.stat().st_mtime)[
            :-5
        ]:  # logs of void runs: the last five stay
            shutil.rmtree(old, ignore_errors=True)
        self.dir = Path(tempfile.mkdtemp(prefix="bench-", dir=WORK))
        if len(str(self.dir)) > 60:  # unix socket paths end at 107 characters
            self.sockets = Path(tempfile.mkdtemp(prefix="mmb-"))
        else:
            self.sockets = self.dir
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM):
            signal.signal(number, self._interrupted)
        signal.alarm(int(limit))
        self.limit = limit

    def _interrupted(self, number, _frame):
        if number == signal.SIGALRM:
            raise Broken(f"not done after {self.limit} s, the limit of this run")
        raise Broken(f"interrupted by {signal.Signals(number).name}")

    def close(self, keep):
        signal.alarm(0)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        for process in reversed(self.processes):
            with contextlib.suppress(Exception):
                process.stop()
        if self.sockets != self.dir:
            shutil.rmtree(self.sockets, ignore_errors=True)
        if keep:
            note(f"logs: {self.dir}")
        else:
            shutil.rmtree(self.dir, ignore_errors=True)
        self.lock.close()


def entry(main, limit):
    """Runs `main(run)`; status 0 or what it returns, 2 with one message when the measurement is void."""
    run, keep = None, True
    try:
        if not PACE.exists() or PACE.stat().st_mtime < (HERE / "lib" / "pace.c").stat().st_mtime:
            raise Broken(f"the load generator is missing or old: run {HERE.name}/setup first")
        run = Run(limit)
        status = main(run) or 0
        keep = bool(os.environ.get("MM_KEEP"))
    except Broken as error:
        note(f"VOID: {error}")
        status = 2
    finally:
        if run:
            run.close(keep)
    sys.exit(status)


SHOWN = {}  # by port: the header that shows who asks, where that must be shown


def post(port, path, body, timeout=10, method="POST", headers=None):
    """(status, headers, body) of one request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        headers = {"Content-Type": "application/json", **SHOWN.get(port, {}), **(headers or {})}
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def get_json(port, path, timeout=10):
    status, _, body = post(port, path, None, timeout, "GET")
    if status != 200:
        raise Broken(f"GET {path} on port {port}: {status} {body[:300]!r}")
    return json.loads(body)


def wait_until(what, seconds, probe, process=None, pause=0.05):
    """The first true value of `probe`, tried every `pause` seconds; connection errors and bad answers count as not yet."""
    end, last = time.monotonic() + seconds, None
    while time.monotonic() < end:
        if process:
            process.check()
        try:
            if value := probe():
                return value
        except Broken as error:
            last = error
        except (OSError, http.client.HTTPException, ValueError) as error:
            last = repr(error)
        time.sleep(pause)
    raise Broken(f"{what}: not within {seconds} s ({last or 'no error'}){'; ' + process.tail() if process else ''}")
