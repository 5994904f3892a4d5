"""A second opinion on what is JSON: mutated bodies, judged by BodyScan and by Python's own parser.

    compare.py PROGRAM SEED COUNT       PROGRAM is built from BodyVerdicts.swift

Exit code 1 and the bodies on standard error when the two disagree.
"""
import json
import random
import struct
import subprocess
import sys

program, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rng = random.Random(seed)

BODIES = [
    b'{"model_type": "LSTM", "data": [0.123, -0.5, 12, 3e-5, 0, -0, 1.5E+3, 100, 7], "model_version": "latest"}',
    b'{"a":[1,2,3,[],{},[[]],{"b":null}],"t":true,"f":false,"s":"x\\n\\u00e9\\ud83d\\ude00\\/","k\\u0041":1}',
    ('{"\u00e9":"\u6f22\u5b57\U0001f600","data":[' + ", ".join("%.6f" % rng.uniform(-2, 2) for _ in range(40)) + "]}").encode(),
    ('{"data":[' + ",".join("%d" % rng.randrange(-2000, 2000) for _ in range(80)) + '], "z": 1}').encode(),
    ('{"data":[\n' + ",\n   ".join("%.3f" % rng.uniform(-20, 20) for _ in range(40)) + "\n]}").encode(),
]
PIECES = [
    b"0", b"00", b"01", b"1", b"-", b"--", b".", b"..", b"1.2.3", b",", b",,", b" ", b"\n", b"\t", b"\r", b"[", b"]", b"{",
    b"}", b'"', b"\\", b"e", b"E+", b"e5", b"1e", b"\x00", b"\x7f", b"\xff", b"\xc3", b"\xc3\xa9", b"\xed\xa0\x80",
    b"\xc0\x80", b"\xf4\x90\x80\x80", b"\xef\xbb\xbf", b"true", b"nul", b":", b"+1", b"-0", b"0.", b".5", b"\\u12", b"\\x",
    b"\\ud800", b"Infinity", b"NaN", b"\x0b", b"-.5", b"1.e3",
]


def mutated():
    body = bytearray(rng.choice(BODIES))
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        place, kind = rng.randrange(len(body)), rng.randrange(4)
        if kind == 0:
            body[place:place] = rng.choice(PIECES)
        elif kind == 1:
            del body[place:place + rng.randrange(1, 4)]
        elif kind == 2:
            body[place:place + 1] = rng.choice(PIECES)
        else:
            body[place] = rng.randrange(256)
    return bytes(body)


def refuse(_):
    raise ValueError


def is_object(body):
    """Python's verdict; it takes NaN and Infinity unless told otherwise."""
    try:
        return isinstance(json.loads(body.decode("utf-8"), parse_constant=refuse, parse_int=str, parse_float=str), dict)
    except (ValueError, RecursionError):
        return False


bodies = BODIES + [mutated() for _ in range(count)]
packed = b"".join(struct.pack("<I", len(body)) + body for body in bodies)
verdicts = subprocess.run([program], input=packed, capture_output=True, check=True, timeout=120).stdout.split()
if len(verdicts) != len(bodies):
    sys.exit(f"{len(verdicts)} verdicts for {len(bodies)} bodies, seed {seed}")
valid = 0
differences = []
for body, verdict in zip(bodies, verdicts):
    expected = is_object(body)
    valid += expected
    if expected != (verdict == b"1"):
        differences.append((expected, body))
for expected, body in differences[:10]:
    print(f"Python says {'valid' if expected else 'invalid'}: {body!r}", file=sys.stderr)
if differences or valid < count // 20:
    sys.exit(f"{len(differences)} differences, {valid} of {len(bodies)} bodies valid, seed {seed}")
print(f"BodyScan and Python agree on {len(bodies)} bodies, {valid} of them valid")
