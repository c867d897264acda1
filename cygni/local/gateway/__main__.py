"""`python -m cygni.local.gateway`: runs the gateway until SIGTERM or SIGINT.

Prints one line of JSON, `{"port": …, "admin_port": …}`, once both ports are open; /readyz tells when routes are known.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import signal
import sys

from prometheus_client import disable_created_metrics

from cygni.local.gateway.exchange import Limits
from cygni.local.gateway.scaling import DeploymentScaler
from cygni.local.gateway.server import Gateway, Options
from cygni.local.gateway.watch import Watcher, kinds


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m cygni.local.gateway", description="Carries requests to pods by HTTPRoutes."
    )
    parser.add_argument("--kubeconfig", required=True, help="kubeconfig of the cluster")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8080, help="public port; 0 for any free one")
    parser.add_argument("--admin-port", type=int, default=0, help="port of /metrics, /healthz, /readyz, /routes; 0 for any")
    parser.add_argument("--gateway", default="cygni-system/cygni", help="namespace/name of the Gateway to serve")
    parser.add_argument("--response-timeout", type=float, default=60.0, help="seconds a pod may take to begin its answer")
    parser.add_argument("--idle-timeout", type=float, default=300.0, help="seconds a stream or WebSocket may be silent")
    parser.add_argument("--wake-timeout", type=float, default=60.0, help="seconds a request waits for a service that sleeps")
    parser.add_argument("--drain", type=float, default=5.0, help="seconds requests in flight get at the end")
    parser.add_argument("--trust-forwarded", action="store_true", help="keep the X-Forwarded-* fields of a proxy in front")
    given = parser.parse_args()
    if given.gateway.count("/") != 1:
        parser.error("--gateway must be namespace/name")
    return given


async def _serve(arguments: argparse.Namespace) -> None:
    watched = kinds(arguments.kubeconfig)
    namespace, _, name = arguments.gateway.partition("/")
    limits = Limits(
        response=arguments.response_timeout, idle=arguments.idle_timeout, drain=arguments.drain, wake=arguments.wake_timeout
    )
    gateway = Gateway(
        Options(arguments.host, arguments.port, arguments.admin_port, (namespace, name), arguments.trust_forwarded, limits),
        DeploymentScaler(arguments.kubeconfig),
    )
    await gateway.start()
    watcher = Watcher(watched, gateway.sink())
    watcher.start()
    stop = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
    print(json.dumps({"port": gateway.port, "admin_port": gateway.admin_port}), flush=True)  # noqa: T201 - what starts us reads it
    await stop.wait()
    watcher.stop()
    await gateway.stop()


def main() -> None:
    """Runs the gateway."""
    disable_created_metrics()  # type: ignore[no-untyped-call]  # a time of birth for every series doubles the page, and nobody reads it
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    asyncio.run(_serve(_arguments()))


if __name__ == "__main__":
    main()
