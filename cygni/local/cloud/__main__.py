"""`python -m cygni.local.cloud`: the control plane on one machine, until SIGTERM or SIGINT.

Prints one line of JSON, `{"api": …, "aws": …}`, once the API answers. Everything else goes to standard error.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
import threading
from pathlib import Path

from cygni.local.cloud import emulator
from cygni.local.cloud.process import Cloud, Options
from cygni.local.cloud.signin import IdentityProvider

LOG = logging.getLogger("cloud")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m cygni.local.cloud", description="Cygni's control plane on one machine.")
    parser.add_argument("--state", type=Path, required=True, help="folder for everything it keeps")
    parser.add_argument("--kubeconfig", required=True, help="kubeconfig of the cluster that runs services")
    parser.add_argument("--images", type=Path, required=True, help="folder of built images, shared with the node")
    parser.add_argument("--gateway-metrics", required=True, help="address of the gateway's /metrics page")
    parser.add_argument("--api-port", type=int, required=True, help="port of the HTTP API")
    parser.add_argument("--aws-port", type=int, required=True, help="port of the embedded AWS")
    parser.add_argument("--apps-port", type=int, required=True, help="port under which the gateway serves applications")
    parser.add_argument("--snapshot", type=float, default=3.0, help="seconds between snapshots of the state")
    parser.add_argument("--idp-url", help="address of the local identity provider; without it nobody can sign in")
    parser.add_argument("--idp-client-secret-file", type=Path, help="file that holds the control plane's secret there")
    parser.add_argument("--region", default=emulator.REGION, help="AWS region that this cloud stands for")
    given = parser.parse_args()
    if bool(given.idp_url) != bool(given.idp_client_secret_file):
        parser.error("--idp-url and --idp-client-secret-file go together")
    return given


def environment(arguments: argparse.Namespace) -> dict[str, str]:
    """The settings of the control plane on this machine; one that is set already keeps its value."""
    given = {
        "CYGNI_KUBECONFIG": arguments.kubeconfig,
        "CYGNI_METRICS_URL": arguments.gateway_metrics,
        "CYGNI_METRICS_KIND": "scrape",
        "CYGNI_WEBHOOK_HOSTS": "localhost,127.0.0.1",
        "CYGNI_APPS_DOMAIN": "localhost",
        "CYGNI_APPS_PORT": str(arguments.apps_port),
        "CYGNI_APPS_SCHEME": "http",
        "CYGNI_REGISTRY": "registry.localhost",
        "CYGNI_ACCOUNT": emulator.ACCOUNT,
        "CYGNI_ISSUER": f"http://127.0.0.1:{arguments.api_port}",
        "CYGNI_DEVICE_INTERVAL": "1",
        "POWERTOOLS_SERVICE_NAME": "cygni",
        "POWERTOOLS_LOG_LEVEL": "INFO",  # functions tell what they do; LOG_LEVEL is about the emulator
    }
    if arguments.idp_url:
        given["CYGNI_ACTIONS_ISSUER"] = f"{arguments.idp_url}/actions"
    return {name: os.environ.get(name, value) for name, value in given.items()}


def prepare(arguments: argparse.Namespace) -> None:
    """Folders and environment; before anything of ministack or of AWS is imported."""
    state = arguments.state / "aws"
    for folder in ("services", "s3", "tmp"):
        (state / folder).mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]  # a developer's own account must not be reached
    os.environ.update(emulator.environment(state, arguments.aws_port, arguments.region))
    os.environ.update(environment(arguments))


def options(arguments: argparse.Namespace) -> Options:
    """What the process is to be. Raises OSError when the secret's file cannot be read."""
    identity = None
    if arguments.idp_url:
        identity = IdentityProvider(arguments.idp_url, arguments.idp_client_secret_file.read_text().strip())
    return Options(
        arguments.state, arguments.images, arguments.api_port, arguments.aws_port, arguments.snapshot, identity=identity
    )


def main() -> None:
    """Runs the cloud process."""
    arguments = _arguments()
    ready = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a handler prints is log, not our answer
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("cloud").setLevel(logging.INFO)
    prepare(arguments)
    ended = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: ended.set())
    cloud = Cloud(options(arguments))
    try:
        addresses = cloud.start()
    except Exception:  # broad: whatever keeps it from starting, it says so and ends, with no thread left to wait for
        LOG.exception("the cloud process could not start")
        _exit(1)
    with ready:
        ready.write(json.dumps(addresses) + "\n")
    ended.wait()
    cloud.stop()
    _exit(0)


def _exit(code: int) -> None:
    """Ends at once: handlers that still run are in threads which an ordinary exit would wait for."""
    logging.shutdown()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
