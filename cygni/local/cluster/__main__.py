"""`python -m cygni.local.cluster`: runs the embedded API server and one node until SIGTERM or SIGINT.

Prints one line of JSON, `{"port": …}`, once the API answers. The node is a client of the API like any other; it shares the
process so that the embedded cloud has one fewer. It has the main thread: the kernel ends a pod's process when the
thread that started it ends.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
from pathlib import Path

from cygni.local.kube.server import Options, running_in_thread
from cygni.local.node.__main__ import serve
from cygni.local.node.context import NodeConfig
from cygni.local.node.rules import BackOff


def main() -> int:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m cygni.local.cluster", description="The embedded cluster.")
    parser.add_argument("--port", type=int, default=0, help="port of the API on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--data", type=Path, required=True, help="folder of the cluster's and the node's state")
    parser.add_argument("--images", type=Path, required=True, help="folder of the image store")
    parser.add_argument("--token-file", type=Path, required=True, help="file that holds the API's bearer token")
    parser.add_argument("--kubeconfig", type=Path, required=True, help="kubeconfig to write")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    options = Options(given.token_file.read_text().strip(), given.data / "api", given.port)
    config = NodeConfig(
        name="local",
        images=given.images.absolute(),
        data=(given.data / "node").absolute(),
        schedule=True,
        back_off=BackOff(2.0, 60.0),
        stop_grace=2.0,
    )
    with running_in_thread(options, given.kubeconfig) as port:
        sys.stdout.write(json.dumps({"port": port}) + "\n")
        sys.stdout.flush()
        asyncio.run(serve(given.kubeconfig, config))
    return 0


if __name__ == "__main__":
    sys.exit(main())
