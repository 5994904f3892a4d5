"""One measurement, its checks, and the statistics of several."""

import json
import os
import statistics
import subprocess
import time

from harness import PACE, SHOWN, Broken, cpu_of, machine_busy, note, spent
from targets import SLOW

WRONG = ("bad_status", "bad_body", "broken", "resets", "connect_errors", "unsent")


def load(target, body_file, conns, secs, rate=0, seed=1, cpus=None):
    """Runs the load generator. Void unless every request that was started got the right answer."""
    argv = [PACE, "--port", target.port, "--path", target.path, "--body", body_file, "--expect", target.expect]
    argv += ["--conns", conns, "--secs", secs, "--rate", rate, "--seed", seed]
    for name, value in SHOWN.get(target.port, {}).items():
        argv += ["--header", f"{name}: {value}"]
    pin = (lambda: os.sched_setaffinity(0, cpus)) if cpus else None
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=secs + 90, preexec_fn=pin)
    if done.returncode != 0:
        raise Broken(f"load generator: status {done.returncode}: {done.stderr.strip()}")
    got = json.loads(done.stdout)
    wrong = {k: got[k] for k in WRONG if got.get(k)}
    if wrong or got["started"] != got["answered"] or got["answered"] == 0:
        target.process.check()
        counts = f"started {got.get('started')}, answered {got.get('answered')}, wrong {wrong}"
        raise Broken(f"{target.name}: {counts}; {target.process.tail()}")
    got["conns"], got["offered"] = conns, rate
    return got


def measure(target, body_file, conns, secs, rate=0, seed=1, cpus=None, others=()):
    """`load` with the CPU of the target (process and descendants), its Redis and its fellow replicas around it."""
    pin = cpus.rest if cpus else None
    watched = target.all_processes()
    everything = list({p.pid: p for p in (*watched, *others)}.values())
    before, busy, at = cpu_of(everything), machine_busy(), time.monotonic()
    got = load(target, body_file, conns, secs, rate, seed, pin)
    elapsed = time.monotonic() - at
    after, busy = cpu_of(everything), machine_busy() - busy
    used = {p.pid: spent(p, before[p.pid], after[p.pid]) for p in everything}
    n = got["answered"]
    got["target"] = target.name
    got["seconds"] = elapsed
    got["cpu"] = used[target.process.pid] / n * 1e6
    got["cpu_s_target"] = used[target.process.pid]
    got["redis_cpu"] = used[target.redis.process.pid] / n * 1e6 if target.redis else None
    got["others_cpu"] = sum(used[p.pid] for p in target.others) / n * 1e6 if target.others else None
    got["rss"] = target.process.rss_mb()
    got["foreign"] = max(0.0, busy - sum(used.values()) - got["cpu_s"]) / (elapsed * (os.cpu_count() or 1))
    if got["cpu"] <= 0:
        raise Broken(f"{target.name}: CPU time did not rise while {n} requests were answered")
    return got


def offered(target, rate):
    return min(rate, SLOW.get(target.name, rate))


def idle_cpu(processes, secs):
    """{pid: CPU milliseconds per second} without load."""
    before, at = cpu_of(processes), time.monotonic()
    time.sleep(secs)
    after, elapsed = cpu_of(processes), time.monotonic() - at
    return {p.pid: spent(p, before[p.pid], after[p.pid]) / elapsed * 1e3 for p in processes}


class Quiet:
    """Rounds during which other programs took more than `share` of the machine are thrown away, whole, before anybody
    looks at their figures, and done again while `budget` lasts. What is left noisy is reported as such."""

    def __init__(self, share, budget):
        self.share, self.budget, self.discarded = share, budget, 0

    def wait(self, seconds=15):
        """Until the machine is quiet without our load, or `seconds` are over."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            busy, at = machine_busy(), time.monotonic()
            time.sleep(0.4)
            if (machine_busy() - busy) / (time.monotonic() - at) / (os.cpu_count() or 1) < self.share:
                return

    def keep(self, rows):
        worst = max(r["foreign"] for r in rows)
        if worst <= self.share or self.budget <= 0:
            return True
        self.budget -= 1
        self.discarded += 1
        note(f"round thrown away: other programs took {worst:.0%} of the machine")
        return False


def median(rows, key):
    values = [r[key] for r in rows if r.get(key) is not None]
    return statistics.median(values) if values else None


def spread(rows, key):
    values = [r[key] for r in rows if r.get(key) is not None]
    return (min(values), max(values)) if values else None


def paired(rows, of, to, key="cpu"):
    """Ratio of two targets within each round (they ran within seconds of each other): median, lowest, highest."""
    by = {(r["round"], r["target"]): r[key] for r in rows}
    rounds = sorted({r["round"] for r in rows if by.get((r["round"], of)) and by.get((r["round"], to))})
    ratios = [by[n, of] / by[n, to] for n in rounds]
    if not ratios:
        return None
    return {"median": statistics.median(ratios), "min": min(ratios), "max": max(ratios), "rounds": len(ratios)}


def cell(value, form, width):
    return f"{'-' if value is None else format(value, form):>{width}}"
