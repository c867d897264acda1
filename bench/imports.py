"""How long importing the API's entry point takes in a fresh process, against a DynamoDB client of boto3 alone.

usage: python -m bench.imports [RUNS]
"""

from __future__ import annotations

import subprocess
import sys

from bench.figures import line, ratio, verdict

TIMED = "import time; t = time.perf_counter(); {}; print((time.perf_counter() - t) * 1000)"
OURS = "import app"
PEER = "import boto3; boto3.client('dynamodb', region_name='us-east-1')"
LOADED = "import app, sys; print(*[name for name in ('kubernetes', 'stripe', 'boto3') if name in sys.modules])"


def once(statement: str) -> float:
    """Milliseconds that a statement takes in a fresh interpreter."""
    done = subprocess.run([sys.executable, "-c", TIMED.format(statement)], capture_output=True, text=True, check=True)
    return float(done.stdout)


def main(runs: int) -> None:
    """In turn, so that a machine that slows down slows both."""
    once(OURS), once(PEER)
    ours, peer = [], []
    for _ in range(runs):
        ours.append(once(OURS))
        peer.append(once(PEER))
    print(line("import app", ours, "ms"))
    print(line("boto3.client('dynamodb')", peer, "ms"))
    print(verdict("ratio", ratio(ours, peer), 1.2))
    loaded = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True).stdout.strip()
    print(f"heavy libraries loaded by the API: {loaded or 'none'}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 11)
