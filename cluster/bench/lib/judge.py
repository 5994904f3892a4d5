"""Goals: how one is written, which measurement it needs, and whether it is held.

A goal is a line of words parted by colons; the last one is the number that the figure may reach at most.
"""

import re
from dataclasses import dataclass

from harness import Broken
from targets import MANAGERS, PEERS

WORDS = {"small": "body", "big": "body", "max": "mode", "fixed": "mode", "cpu": "metric", "p50": "metric", "p99": "metric"}
FORMS = (
    "[MANAGER/]PEER:small|big[:max|fixed][:cpu|p50|p99]:NUMBER, rss:SERVICES:NUMBER, redis-commands:NUMBER, "
    "allocated-growth:NUMBER, change-ms|start-s|memory:SERVICES:NUMBER"
)
EVIDENCE = {"rss": "scale", "redis-commands": "redis-cost", "allocated-growth": "allocations"}
REACH = {"change-ms": "p99_ms", "start-s": "start_most_s", "memory": "rss_mb"}
EVIDENCE |= {subject: "reach" for subject in REACH}
COUNTED = ("rss", *REACH)


@dataclass
class Goal:
    """`subject` is a peer, then the figure is the ratio of `manager`, or of the one judged, to it; else one of EVIDENCE."""

    text: str
    subject: str
    limit: float
    body: str | None = None
    mode: str | None = None
    metric: str = "cpu"
    services: int | None = None
    manager: str | None = None

    @property
    def source(self):
        """The script whose measurement the goal is judged by."""
        return EVIDENCE.get(self.subject, "compare")


@dataclass
class Verdict:
    """One goal and the figure that was measured for it."""

    name: str
    value: float
    limit: float
    detail: str = ""

    @property
    def held(self):
        return self.value <= self.limit


def goal(text):
    """A goal from its text; ValueError names what is wrong."""
    subject, *middle, number = text.split(":")
    try:
        limit = float(number)
    except ValueError:
        limit = 0
    found = Goal(text, subject, limit) if limit > 0 else None
    if found and subject in COUNTED and len(middle) == 1 and middle[0].isdigit():
        found.services = int(middle[0])
        return found
    if found and subject in EVIDENCE and subject not in COUNTED and not middle:
        return found
    if found and "/" in subject:
        found.manager, _, found.subject = subject.partition("/")
        subject = found.subject if found.manager in MANAGERS else ""
    if found and subject in (*PEERS, *MANAGERS) and all(word in WORDS for word in middle):
        for word in middle:
            setattr(found, WORDS[word], word)
        if found.body:
            return found
    raise ValueError(f"{text}: expected one of {FORMS}")


def read_goals(path):
    lines = (re.sub(r"#.*", "", line).strip() for line in path.read_text().splitlines())
    return [goal(line) for line in lines if line]


def judge(goals, results, manager="manager"):
    """Verdicts on all goals. `results` is {script: what its --json wrote}; a goal without its figure is an error."""
    return [verdict for one in goals for verdict in judge_one(one, results, manager)]


def judge_one(one, results, manager):
    result = results.get(one.source)
    if result is None:
        raise Broken(f"{one.text}: nothing measured by {one.source}")
    if one.source == "compare":
        modes = [one.mode] if one.mode else list(dict.fromkeys(r["mode"] for r in result["ratios"]))
        return [ratio(one, result, one.manager or manager, mode) for mode in modes]
    if one.source == "reach":
        return [reach(one, result)]
    return [{"rss": memory, "redis-commands": redis_commands, "allocated-growth": growth}[one.subject](one, result)]


def ratio(one, result, manager, mode):
    wanted = (manager, one.subject, mode, one.body)
    keys = ("manager", "peer", "mode", "body")
    row = next((r for r in result["ratios"] if tuple(r[k] for k in keys) == wanted), None)
    found = row and row[one.metric]
    if not found:
        raise Broken(f"{one.text}: nothing measured for {manager} / {one.subject} {mode} {one.body}")
    name = f"{f'{manager}/' if one.manager else ''}{one.subject}:{one.body}:{mode}" + ("" if one.metric == "cpu" else f":{one.metric}")
    agree = (found["max"] <= one.limit) == (found["min"] <= one.limit)
    detail = f"rounds {found['min']:.3f} - {found['max']:.3f}" + ("" if agree else " (they disagree)")
    return Verdict(name, found["median"], one.limit, detail)


def memory(one, result):
    row = next((r for r in result["results"] if r["services"] == one.services), None)
    if not row:
        raise Broken(f"{one.text}: scale did not measure {one.services} services")
    return Verdict(f"rss:{one.services}", row["rss_idle"], one.limit, "MB resident, idle")


def reach(one, result):
    if result["services"] != one.services:
        raise Broken(f"{one.text}: reach measured {result['services']} services")
    detail = {"change-ms": "p99 until three replicas use it", "start-s": "the longest", "memory": "MB of the largest"}
    value = result["summary"][REACH[one.subject]]
    return Verdict(f"{one.subject}:{one.services}", value, one.limit, detail[one.subject])


def redis_commands(one, result):
    rows = [r for r in result["results"] if r["target"] == "manager"]
    if not rows:
        raise Broken(f"{one.text}: redis-cost did not measure manager")
    top = max(rows, key=lambda r: r["rate"])
    return Verdict("redis-commands", top["total_per_1000"], one.limit, f"per 1000 predictions at {top['rate']}/s")


def growth(one, result):
    row = next((r for r in result["results"] if r["target"] == "manager"), None)
    if not row:
        raise Broken(f"{one.text}: allocations did not measure manager")
    detail = (
        f"bytes a body byte; {row['small']['bytes']:.0f} bytes a small request, {row['big']['bytes']:.0f} a big one"
    )
    return Verdict("allocated-growth", row["growth"], one.limit, detail)


def table(verdicts):
    """One line a goal, then one with them all."""
    lines = [
        f"{'held  ' if v.held else 'MISSED'}  {v.name:26} {v.value:9.3f} <= {v.limit:<7g} {v.detail}".rstrip()
        for v in verdicts
    ]
    all_held = all(v.held for v in verdicts)
    short = ", ".join(f"{v.name} {v.value:.3f}/{v.limit:g}{'' if v.held else '!'}" for v in verdicts)
    return "\n".join([*lines, f"{'PASS' if all_held else 'FAIL'} measured/limit: {short}"])
