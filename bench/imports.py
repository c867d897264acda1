"""How long importing the API's entry point takes in a fresh process, against a DynamoDB client of boto3 alone.

Both are compiled once, into a folder of this run; whether a machine keeps bytecode beside its libraries would otherwise decide
the figure. The ratio is of processor time, which other work on the machine disturbs least: importing waits for nothing. Medians
are of at least fifteen runs of each, in turn. Ends with 1 where the aim is missed.

usage: python -m bench.imports [RUNS [PYTHON]]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

from bench.figures import line, ratio, verdict

TIMED = """
import json, time
wall, used = time.perf_counter(), time.process_time()
{}
print(json.dumps([(time.perf_counter() - wall) * 1000, (time.process_time() - used) * 1000]))
"""
OURS = "import app"
PEER = "import boto3; boto3.client('dynamodb', region_name='us-east-1')"
HEAVY = (
    "kubernetes",
    "stripe",
    "boto3",
    "yaml",
    "aws_lambda_powertools",
    "jwt",
    "cryptography",
    "chalicelib.runtime.service",
    "chalicelib.builds.service",
    "chalicelib.deployments.service",
    "chalicelib.identity.service",
    "chalicelib.projects.service",
    "chalicelib.platform.prometheus",
    "chalicelib.rollouts.rules",
)
"""What the API must not load, or not before it needs it."""
LOADED = f"import app, sys; print(*[name for name in {HEAVY} if name in sys.modules])"


def run(statement: str, *, python: str = sys.executable, bytecode: str | None = None) -> str:
    """What a statement prints in a fresh interpreter; `bytecode` is the folder its compiled modules are kept in."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    # Without credentials a client looks for them on the network.
    environment |= {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    if bytecode is None:
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
    else:
        environment["PYTHONPYCACHEPREFIX"] = bytecode
    done = subprocess.run([python, "-c", statement], capture_output=True, text=True, check=True, env=environment)
    return done.stdout


def compare(runs: int, python: str) -> dict[str, tuple[list[float], list[float]]]:
    """Wall and processor milliseconds of both, in turn, so that a machine that slows down slows both."""
    with tempfile.TemporaryDirectory() as bytecode:

        def once(statement: str) -> list[float]:
            return list(json.loads(run(TIMED.format(statement), python=python, bytecode=bytecode)))

        once(OURS), once(PEER)
        pairs = [(once(OURS), once(PEER)) for _ in range(runs)]
    ours, peer = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    return {kind: ([each[at] for each in ours], [each[at] for each in peer]) for at, kind in enumerate(("wall", "processor"))}


AIM, FEWEST = 1.2, 15


def judged(ours: list[float], peer: list[float]) -> int:
    """Prints the ratio beside its aim; 1 if it is missed. Raises ValueError for too few runs to tell."""
    if min(len(ours), len(peer)) < FEWEST:
        raise ValueError(f"A median of fewer than {FEWEST} runs says too little.")
    print(verdict("ratio of processor time", ratio(ours, peer), AIM))
    return int(ratio(ours, peer) > AIM)


def main(runs: int, python: str) -> int:
    """Both clocks, the ratio, and what is loaded."""
    taken = compare(runs, python)
    for kind, (ours, peer) in taken.items():
        print(line(f"import app, {kind}", ours, "ms"))
        print(line(f"boto3 client, {kind}", peer, "ms"))
    print(f"ratio of wall time: {ratio(*taken['wall']):.2f}")
    print(f"heavy libraries loaded by the API: {run(LOADED, python=python).strip() or 'none'}")
    return judged(*taken["processor"])


if __name__ == "__main__":
    runs = max(FEWEST, int(sys.argv[1]) if len(sys.argv) > 1 else FEWEST)
    sys.exit(main(runs, sys.argv[2] if len(sys.argv) > 2 else sys.executable))
