"""Runs a node: `python -m cygni.local.node --kubeconfig FILE --images DIR --data DIR [--name local] [--schedule]`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path

from cygni.local.node.api import KubeApi
from cygni.local.node.context import NodeConfig
from cygni.local.node.node import DataInUse, Node
from cygni.local.node.rules import BackOff


def parse(arguments: list[str]) -> tuple[Path | None, NodeConfig, str]:
    """The kubeconfig, the settings and the log level that the arguments say."""
    parser = argparse.ArgumentParser(prog="python -m cygni.local.node", description="A node that runs pods as processes.")
    parser.add_argument(
        "--kubeconfig", type=Path, help="file that says how to reach the API (default: $KUBECONFIG, ~/.kube/config)"
    )
    parser.add_argument("--images", type=Path, required=True, help="directory of the image store")
    parser.add_argument("--data", type=Path, required=True, help="directory for working copies and logs, this node's alone")
    parser.add_argument("--name", default="local", help="name of the node (default: %(default)s)")
    parser.add_argument(
        "--schedule", action="store_true", help="also bind pods that have no node: for clusters without a scheduler"
    )
    parser.add_argument(
        "--back-off", type=float, default=10.0, metavar="SECONDS", help="first delay of a restart (default: %(default)g)"
    )
    parser.add_argument(
        "--back-off-cap", type=float, default=300.0, metavar="SECONDS", help="longest delay (default: %(default)g)"
    )
    parser.add_argument(
        "--drain", type=float, default=0.5, metavar="SECONDS", help="time from not ready to SIGTERM (default: %(default)g)"
    )
    parser.add_argument(
        "--stop-grace",
        type=float,
        default=5.0,
        metavar="SECONDS",
        help="most grace of a pod when the node stops (default: %(default)g)",
    )
    parser.add_argument(
        "--heartbeat", type=float, default=10.0, metavar="SECONDS", help="time between heartbeats (default: %(default)g)"
    )
    parser.add_argument("--log-port", type=int, default=0, help="port of the log server on loopback (default: a free one)")
    parser.add_argument("--tls-cert-file", type=Path, help="serve logs with TLS, as a real API server expects of a kubelet")
    parser.add_argument("--tls-private-key-file", type=Path, help="key of that certificate")
    parser.add_argument(
        "--log-level", default="info", choices=["debug", "info", "warning", "error"], help="default: %(default)s"
    )
    given = parser.parse_args(arguments)
    if (given.tls_cert_file is None) != (given.tls_private_key_file is None):
        parser.error("--tls-cert-file and --tls-private-key-file go together")
    config = NodeConfig(
        name=given.name,
        images=given.images.absolute(),
        data=given.data.absolute(),
        schedule=given.schedule,
        back_off=BackOff(given.back_off, max(given.back_off, given.back_off_cap)),
        heartbeat=given.heartbeat,
        drain=given.drain,
        stop_grace=given.stop_grace,
        log_port=given.log_port,
        tls_cert=given.tls_cert_file,
        tls_key=given.tls_private_key_file,
    )
    return given.kubeconfig, config, given.log_level


async def serve(kubeconfig: Path | None, config: NodeConfig) -> None:
    """Runs the node until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await Node(config, KubeApi(kubeconfig)).run(stop)


def main() -> int:
    """The exit code: 0 after an orderly stop, 1 when the data directory is another node's."""
    kubeconfig, config, level = parse(sys.argv[1:])
    logging.basicConfig(level=level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    try:
        asyncio.run(serve(kubeconfig, config))
    except DataInUse as error:
        logging.getLogger("cygni.local.node").error("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
