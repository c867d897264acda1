"""`python -m cygni.local.controlplane`: runs a real control plane and one node until SIGTERM or SIGINT.

Takes the place of `cygni.local.cluster`, with the same arguments and the folder of the control plane's programs. Prints one
line of JSON, `{"port": …}`, once the API answers. Ends with 1 when one of the programs ends: whoever started it starts all
of it again.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
from pathlib import Path

from cygni.local.controlplane.binaries import Binaries
from cygni.local.controlplane.plane import NotStarted, Plane
from cygni.local.node.__main__ import serve
from cygni.local.node.context import NodeConfig
from cygni.local.node.rules import BackOff

LOOK_SECONDS = 0.5
REFUSED = ("endpoints-controller", "endpointslice-controller")
"""Pods that are processes have the loopback address, which the API server takes as nobody's endpoint; these controllers would
try again for ever, and say so in events. The gateway reads the pods themselves."""
LOG = logging.getLogger("controlplane")


async def _serve(plane: Plane, config: NodeConfig) -> None:
    """Runs the node until it is told to end. Raises NotStarted when a program of the control plane ends before it."""
    node = asyncio.create_task(serve(plane.plan.kubeconfig, config))
    while not node.done():
        await asyncio.wait({node}, timeout=LOOK_SECONDS)
        if not node.done():
            plane.check()
    node.result()


def main() -> int:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m cygni.local.controlplane", description="A real control plane and a node.")
    parser.add_argument("--programs", type=Path, required=True, help="folder of etcd, kube-apiserver and the controllers")
    parser.add_argument("--port", type=int, default=0, help="port of the API on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--data", type=Path, required=True, help="folder of the control plane's and the node's state")
    parser.add_argument("--images", type=Path, required=True, help="folder of the image store")
    parser.add_argument("--token-file", type=Path, required=True, help="file that holds the API's bearer token")
    parser.add_argument("--kubeconfig", type=Path, required=True, help="kubeconfig to write")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    token = given.token_file.read_text().strip()
    plane = Plane(Binaries(given.programs), given.data / "plane", token, port=given.port, without=REFUSED)
    keys = plane.plan.certificates
    config = NodeConfig(
        name="local",
        images=given.images.absolute(),
        data=(given.data / "node").absolute(),
        back_off=BackOff(2.0, 60.0),
        stop_grace=2.0,
        tls_cert=keys.certificate,
        tls_key=keys.key,
    )
    try:
        plane.start()
        plane.write_kubeconfig(given.kubeconfig)
        sys.stdout.write(json.dumps({"port": plane.plan.ports.api}) + "\n")
        sys.stdout.flush()
        asyncio.run(_serve(plane, config))
    except NotStarted as error:
        LOG.error("%s", error)
        return 1
    finally:
        plane.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
