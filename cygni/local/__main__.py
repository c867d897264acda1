"""`python -m cygni.local up | down | status | reset`: the embedded cloud on this machine.

Exit codes: 0 done, 1 it did not start or is not running, 2 wrong use, 3 it runs already.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import threading
import time
from pathlib import Path

from rich.console import Console

from cygni.cli.errors import CliError
from cygni.local.controlplane.binaries import BuildFailed, Unavailable, ensure
from cygni.local.supervisor.child import NotStarted
from cygni.local.supervisor.config import config_path, write_context
from cygni.local.supervisor.layout import Layout, Ports, default_state
from cygni.local.supervisor.parts import parts
from cygni.local.supervisor.supervisor import STOP_SECONDS, AlreadyRunning, Lock, Supervisor, holder_of

_OTHER = "Start it as before, name another folder with --state, or delete its state: `python -m cygni.local reset`."
_OUT = Console(highlight=False, soft_wrap=True)


def main(arguments: list[str] | None = None) -> int:
    """Run one of the commands."""
    given = _parse(arguments)
    layout = Layout((given.state or default_state(os.environ)).absolute())
    return {"up": _up, "down": _down, "status": _status, "reset": _reset}[given.command](layout, given)


def _up(layout: Layout, given: argparse.Namespace) -> int:
    begun = time.monotonic()
    try:
        programs = ensure(os.environ, _say).folder if given.cluster == "real" else None
    except (Unavailable, BuildFailed) as error:
        _say(str(error))
        return 1
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    layout.prepare()
    lock = Lock(layout.lock_file)
    refused = _take(layout, lock, "somebody's own" if given.kubeconfig else given.cluster)
    if refused:
        return refused
    layout.secret(layout.cluster_token)
    ports, said = layout.ports(api=given.api_port, apps=given.apps_port)
    for sentence in said:
        _OUT.print(sentence)
    supervisor = Supervisor(parts(layout, ports, os.environ, kubeconfig=given.kubeconfig, programs=programs), _say)
    failures: list[Exception] = []
    starting = threading.Thread(target=_start, args=(supervisor, stop, failures), daemon=True)
    starting.start()
    while starting.is_alive() and not stop.is_set():
        starting.join(0.05)
    if not failures and not stop.is_set():
        failures += _introduce(layout, ports, time.monotonic() - begun)
    if failures:
        _say(str(failures[0]))
    else:
        supervisor.watch(stop)
    supervisor.stop()
    lock.release()
    _OUT.print("Stopped. What was deployed comes back with the next `make up`.")
    return 1 if failures else 0


def _take(layout: Layout, lock: Lock, cluster: str) -> int:
    """Takes the state for this process and this kind of cluster; the exit code when that cannot be, else 0."""
    try:
        lock.take()
    except AlreadyRunning as error:
        _say(f"{error}\nStop it with `make down`, or with Ctrl-C where it was started.")
        return 3
    begun_on = layout.claim(cluster)
    if cluster == begun_on:
        return 0
    lock.release()
    _say(f"The releases in {layout.state} are on the {begun_on} cluster. {_OTHER}")
    return 1


def _start(supervisor: Supervisor, stop: threading.Event, failures: list[Exception]) -> None:
    try:
        supervisor.start()
    except NotStarted as error:
        if not stop.is_set():
            failures.append(error)


def _introduce(layout: Layout, ports: Ports, seconds: float) -> list[Exception]:
    """Writes the command's config, and says where everything is."""
    token = layout.secret(layout.admin_key)
    api, apps = f"http://127.0.0.1:{ports.api}", f"http://localhost:{ports.apps}"
    path = config_path(os.environ)
    try:
        other = write_context(path, url=api, token=token, apps_url=apps, aws_url=f"http://127.0.0.1:{ports.aws}")
    except (ValueError, CliError) as error:
        return [error]
    _OUT.print(f"[bold]Cygni is up[/] after {seconds:.1f} s. Ctrl-C stops it.\n")
    _OUT.print(f"  API    {api}")
    _OUT.print(f"  token  {token}", markup=False)
    _OUT.print(f"  apps   http://<project>.localhost:{ports.apps}", markup=False)
    _OUT.print(f"  state  {layout.state}   logs  {layout.logs}", markup=False)
    _OUT.print(f"\nThe `cygni` command finds it through {path}. In the folder of an application:", markup=False)
    _OUT.print(
        f"  {Path(sys.executable).parent / 'cygni'} init && {Path(sys.executable).parent / 'cygni'} deploy", markup=False
    )
    if other is not None:
        _OUT.print(
            f'The current context there is {other}: use `cygni --context local …`, or set current = "local".', markup=False
        )
    return []


def _down(layout: Layout, _given: argparse.Namespace) -> int:
    holder = holder_of(layout.lock_file)
    if holder is None:
        _OUT.print("The embedded cloud is not running.")
        return 1
    os.kill(holder, signal.SIGTERM)
    deadline = time.monotonic() + 2 * STOP_SECONDS
    while holder_of(layout.lock_file) == holder and time.monotonic() < deadline:
        time.sleep(0.1)
    stopped = holder_of(layout.lock_file) != holder
    _OUT.print("Stopped." if stopped else f"Process {holder} does not stop; `kill -9 {holder}` ends it and all it started.")
    return 0 if stopped else 1


def _status(layout: Layout, _given: argparse.Namespace) -> int:
    holder = holder_of(layout.lock_file)
    if holder is None:
        _OUT.print("The embedded cloud is not running. Start it with `make up`.")
        return 1
    _OUT.print(f"Running as process {holder}. State: {layout.state}", markup=False)
    _OUT.print(layout.ports_file.read_text(), markup=False)
    return 0


def _reset(layout: Layout, given: argparse.Namespace) -> int:
    holder = holder_of(layout.lock_file)
    if holder is not None:
        _OUT.print(f"It is running, as process {holder}. Stop it first: `make down`.")
        return 3
    if not given.yes and input(f"Delete everything in {layout.state}? Type yes: ").strip() != "yes":
        _OUT.print("Nothing was deleted.")
        return 1
    shutil.rmtree(layout.state, ignore_errors=True)
    _OUT.print("Deleted.")
    return 0


def _say(sentence: str) -> None:
    _OUT.print(sentence, markup=False)


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m cygni.local", description="The embedded cloud on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start it and keep it running")
    up.add_argument("--api-port", type=int, help="port of the API (default: that of last time, or 8787; 0: any)")
    up.add_argument("--apps-port", type=int, help="port of the gateway (default: that of last time, or 8080; 0: any)")
    cluster = up.add_mutually_exclusive_group()
    cluster.add_argument("--kubeconfig", type=Path, help="use this cluster instead of the embedded one")
    cluster.add_argument(
        "--cluster", choices=("embedded", "real"), default="embedded", help="which API server to start (default: %(default)s)"
    )
    for name, told in (("down", "stop it"), ("status", "say whether it runs"), ("reset", "delete its state")):
        commands.add_parser(name, help=told)
    commands.choices["reset"].add_argument("--yes", action="store_true", help="do not ask")
    for each in commands.choices.values():
        each.add_argument("--state", type=Path, help="state folder (default: $XDG_STATE_HOME/cygni)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
