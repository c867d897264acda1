"""`python -m cygni.local.idp`: the local identity provider on 127.0.0.1, until SIGTERM or SIGINT.

Prints one line of JSON, `{"port": …, "issuer": …, "request_token_file": …}`, once it answers. Everything else goes to
standard error; codes, tokens and secrets go nowhere.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import signal
import sys
from pathlib import Path

from cygni.local.idp.clients import Client, redirect_uri_fault
from cygni.local.idp.keys import KeyFileError
from cygni.local.idp.server import Options, running

LOG = logging.getLogger("idp")


def options() -> Options:
    """What the command line asks for; ends the program with a sentence when that cannot be."""
    parser = argparse.ArgumentParser(
        prog="python -m cygni.local.idp",
        description="An identity provider without passwords, for tests and the demo. Never let others reach its port.",
    )
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--state", type=Path, required=True, help="folder of its keys")
    parser.add_argument("--client-id", required=True, help="name of the application that signs people in")
    parser.add_argument("--client-secret-file", type=Path, required=True, help="file that holds the application's secret")
    parser.add_argument(
        "--redirect-uri", action="append", required=True, help="where answers may be sent; may be given more than once"
    )
    given = parser.parse_args()
    for uri in given.redirect_uri:
        if fault := redirect_uri_fault(uri):
            parser.error(f"--redirect-uri {uri} {fault}")
    try:
        secret = given.client_secret_file.read_text().strip()
    except OSError as error:
        parser.error(f"--client-secret-file cannot be read: {error}")
    if not secret:
        parser.error(f"--client-secret-file {given.client_secret_file} is empty")
    return Options(given.state.absolute(), Client(given.client_id, secret, tuple(given.redirect_uri)), given.port)


async def serve(given: Options) -> None:
    """Serves until a signal says otherwise."""
    stop = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
    async with running(given) as provider:
        port = int(provider.issuer.rpartition(":")[2])
        told = {"port": port, "issuer": provider.issuer, "request_token_file": str(given.request_token_file)}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        await stop.wait()


def main() -> int:
    """Runs the provider. Exit codes: 0 stopped by a signal, 1 it could not start, 2 wrong use."""
    given = options()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        asyncio.run(serve(given))
    except (OSError, KeyFileError) as error:
        LOG.error("it could not start: %s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
