"""`python -m cygni.local.kube --port N --data DIR --token-file F`: the embedded cluster in the foreground, until SIGTERM.

When it is ready it prints one line of JSON, `{"port": N}`. With `--kubeconfig FILE` it writes that file first.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import signal
import sys
from pathlib import Path

from cygni.local.kube.kubeconfig import write_kubeconfig
from cygni.local.kube.server import Options, running


async def serve(options: Options, kubeconfig: Path | None) -> None:
    """Run until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with running(options) as port:
        if kubeconfig is not None:
            write_kubeconfig(kubeconfig, port, options.token)
        sys.stdout.write(json.dumps({"port": port}) + "\n")
        sys.stdout.flush()
        await stop.wait()


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m cygni.local.kube", description="The embedded Kubernetes API server.")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--data", type=Path, required=True, help="folder that keeps the cluster's state")
    parser.add_argument("--token-file", type=Path, required=True, help="file that holds the bearer token")
    parser.add_argument("--kubeconfig", type=Path, help="write a kubeconfig here")
    parser.add_argument("--no-controllers", action="store_true", help="serve the API only")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    token = given.token_file.read_text().strip()
    if not token:
        parser.error(f"{given.token_file} is empty")
    options = Options(token, given.data, given.port, controllers=not given.no_controllers)
    asyncio.run(serve(options, given.kubeconfig))
    return 0


if __name__ == "__main__":
    sys.exit(main())
