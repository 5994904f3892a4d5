"""What compare found, as text for a terminal; what it and the other scripts found, as Markdown for a document."""

import shlex

from measure import WRONG, cell, median, spread
from targets import SLOW

NAMES = {"manager": "Model Manager", "haproxy": "HAProxy", "nginx": "nginx", "envoy": "Envoy"}
NAMES |= {"sglang": "SGLang router", "fastapi": "FastAPI + httpx"}
MODES = {"max": "closed loop", "fixed": "paced"}
BODIES = {"small": "307-byte body", "big": "20,784-byte body"}
NOISY_SHARE, LATE_US = 0.15, 200


def select(rows, mode, body, name=None):
    return [r for r in rows if r["mode"] == mode and r["body"] == body and name in (None, r["target"])]


def groups(result):
    """(mode, body, its rows) in the order of measuring."""
    for mode, body in dict.fromkeys((r["mode"], r["body"]) for r in result["rows"]):
        yield mode, body, select(result["rows"], mode, body)


def head(result):
    m = result["machine"]
    pinned = "target pinned to a CPU of its own" if result["pinned"] else "not pinned"
    where = f"{m['cpu']}, {m['cpus']} CPUs, kernel {m['kernel']}, {m['at']}"
    return f"{where}; {result['rounds']} rounds of {result['secs']:g} s; {pinned}"


def programs(result):
    return "; ".join(f"{name} {version}" for name, version in result["versions"].items())


def stand_in(result):
    command = result["stand_in"]
    name = command and shlex.split(command)[0].rsplit("/", 1)[-1]
    return command and f"NOT THE PRODUCT: manager is a stand-in: {name}"


def doubts(result, mode, body, rows):
    """What a reader must know before believing the figures of one mode and body."""
    found = []
    if gone := result["discarded_rounds"][f"{mode} {body}"]:
        found.append(f"{gone} noisy rounds were thrown away and done again")
    if (worst := max(r["foreign"] for r in rows)) > NOISY_SHARE:
        found.append(f"NOISY: other programs took up to {worst:.0%} of the machine; read the ratios, not the figures")
    if mode == "fixed" and (late := max(r["lag_p50"] for r in rows)) > LATE_US:
        found.append(f"NOISY: in one measurement half the requests went out more than {late} us late")
    return found


def marks(result, mode, name, rows):
    share = median(rows, "copied")
    copied = "" if share is None else f"  {share:.0%} copied"
    if mode != "fixed":
        return copied
    behind = any(r["rps"] * result["secs"] < 0.95 * r["started"] for r in rows)
    return copied + ("  slow peer: offered less" if name in SLOW else "") + ("  DID NOT KEEP UP" if behind else "")


COLUMNS = (("cpu us/req", 11), ("(min - max)", 18), ("redis", 7), ("others", 7), ("idle ms/s", 10), ("rps", 8))
COLUMNS += (("p50 us", 8), ("p99 us", 8), ("rss MB", 8), ("errors", 7), ("foreign", 8))


def line(result, mode, name, rows):
    low, high = spread(rows, "cpu")
    cells = (
        f"{name:16}{median(rows, 'cpu'):11.2f}{low:9.2f} -{high:7.2f}",
        cell(median(rows, "redis_cpu"), ".2f", 7),
        cell(median(rows, "others_cpu"), ".2f", 7),
        f"{median(rows, 'idle_ms_s'):10.2f}{median(rows, 'rps'):8.0f}{median(rows, 'p50'):8.0f}",
        f"{median(rows, 'p99'):8.0f}{median(rows, 'rss'):8.1f}{sum(r[k] for r in rows for k in WRONG):7d}",
        f"{median(rows, 'foreign'):8.0%}{marks(result, mode, name, rows)}",
    )
    return "".join(cells)


def ratio_cell(found):
    if not found:
        return f"{'-':>24}"
    return f"{found['median']:10.3f} ({found['min']:.3f} -{found['max']:.3f})"


def text(result):
    lines = [head(result), programs(result), *filter(None, [stand_in(result)])]
    for mode, body, rows in groups(result):
        arrivals = "" if mode == "max" else ", Poisson arrivals"
        lines += ["", f"{mode} {body}: {rows[0]['conns']} connections{arrivals}; medians"]
        lines += [f"{'target':16}" + "".join(f"{name:>{width}}" for name, width in COLUMNS)]
        lines += [line(result, mode, name, select(rows, mode, body, name)) for name in result["targets"]]
        lines += doubts(result, mode, body, rows)
    if result["ratios"]:
        lines += ["", "RATIOS, paired by round: median (min - max)", f"{'':38}{'cpu per request':>24}{'p50':>24}{'p99':>24}"]
    for r in result["ratios"]:
        name = f"{r['mode']:6}{r['body']:6}{r['manager']} / {r['peer']:<{35 - len(r['manager'])}}"
        lines.append(name + "".join(ratio_cell(r.get(key)) for key in ("cpu", "p50", "p99")))
    return "\n".join(lines)


def row(cells):
    return "| " + " | ".join(cells) + " |"


def markdown_ratio(found):
    return f"{found['median']:.2f} ({found['min']:.2f} - {found['max']:.2f})" if found else "-"


def markdown(result):
    """A table for each mode and body; the ratio is the manager's CPU per request over the row's, paired by round."""
    lines = [f"Measured on {head(result)}.", f"Versions: {programs(result)}."]
    lines += [f"**{found}**" for found in filter(None, [stand_in(result)])]
    columns = (
        "",
        "CPU us/request",
        "requests/s",
        "p50 us",
        "p99 us",
        "memory MB",
        "manager's CPU / its",
        "manager's p99 / its",
    )
    for mode, body, rows in groups(result):
        rate = "" if mode == "max" else f", {max(r['offered'] for r in rows)} requests/s offered"
        lines += [
            "",
            f"**{MODES[mode].capitalize()}, {BODIES[body]}**, {rows[0]['conns']} connections{rate}; medians",
            "",
        ]
        lines += [row(columns), row(["---"] + ["---:"] * (len(columns) - 1))]
        lines += [markdown_line(result, mode, body, name) for name in result["targets"]]
        lines += [f"\n{doubt}." for doubt in doubts(result, mode, body, rows)]
    return "\n".join(lines)


def markdown_line(result, mode, body, name):
    rows = select(result["rows"], mode, body, name)
    same = (
        r for r in result["ratios"] if (r["manager"], r["peer"], r["mode"], r["body"]) == ("manager", name, mode, body)
    )
    ratio = next(same, {"cpu": None, "p99": None})
    label = NAMES.get(name, name) + (" (offered less)" if mode == "fixed" and name in SLOW else "")
    figures = [f"{median(rows, 'cpu'):.1f}"] + [f"{median(rows, key):,.0f}" for key in ("rps", "p50", "p99")]
    ratios = [markdown_ratio(ratio["cpu"]), markdown_ratio(ratio["p99"])]
    return row([label, *figures, f"{median(rows, 'rss'):.0f}", *ratios])


def scale_markdown(results):
    """The cost of a growing registry; CPU without what the replica costs without load."""
    columns = ("services", "CPU us/request", "p99 us", "memory MB, idle", "registrations/s", "2nd replica behind, ms")
    lines = [row(columns), row(["---:"] * len(columns))]
    for r in results:
        behind = cell(r["second_replica_ms"], ".0f", 0)
        figures = [f"{median(r['rows'], 'net'):.1f}", f"{median(r['rows'], 'p99'):,.0f}", f"{r['rss_idle']:.0f}"]
        lines.append(row([f"{r['services']:,}", *figures, f"{r['registrations_per_s']:,.0f}", behind]))
    return "\n".join(lines)


def managers_markdown(ratios):
    """Managers beside the plain one: CPU per request and latency, paired by round."""
    columns = ("", "mode", "CPU / alone without limits", "p99 / alone without limits")
    lines = [row(columns), row(["---", "---"] + ["---:"] * 2)]
    for r in (r for r in ratios if r["peer"] == "manager"):
        figures = [MODES[r["mode"]], markdown_ratio(r["cpu"]), markdown_ratio(r["p99"])]
        lines.append(row([f"`{r['manager']}`", *figures]))
    return "\n".join(lines)


def reach_markdown(results):
    """What a registry of that size costs three replicas: a change, a start, memory."""
    columns = ("services", "a change is used by all, median", "p99", "a replica starts, median", "longest", "memory")
    lines = [row(columns), row(["---:"] * len(columns))]
    for r in results:
        s = r["summary"]
        figures = [f"{s['p50_ms']:.0f} ms", f"{s['p99_ms']:.0f} ms", f"{s['start_s']:.2f} s"]
        figures += [f"{s['start_most_s']:.2f} s", f"{s['rss_mb']:.0f} MB"]
        lines.append(row([f"{r['services']:,}", *figures]))
    return "\n".join(lines)


def redis_cost_markdown(results):
    """Commands per 1000 predictions, idle traffic taken off."""
    columns = ("", "predictions/s", "Redis commands per 1,000 predictions", "Redis commands/s without load")
    lines = [row(columns), row(["---"] + ["---:"] * (len(columns) - 1))]
    for r in results:
        figures = [f"{r['rate']:,}", f"{r['total_per_1000']:.1f}", f"{r['idle_per_s']:.1f}"]
        lines.append(row([NAMES.get(r["target"], r["target"]), *figures]))
    return "\n".join(lines)


def allocations_markdown(results):
    """Memory asked for by a request, idle work taken off."""
    columns = ("", "mallocs, small body", "big body", "bytes, small body", "big body", "bytes for each body byte")
    lines = [row(columns), row(["---"] + ["---:"] * (len(columns) - 1))]
    for r in results:
        pairs = [(r[body][key], form) for key, form in (("calls", ".1f"), ("bytes", ",.0f")) for body in BODIES]
        figures = [format(max(0.0, value), form) for value, form in pairs]
        lines.append(row([NAMES.get(r["target"], r["target"]), *figures, f"{r['growth']:.2f}"]))
    return "\n".join(lines)
