"""What containers use and listen on: memory, CPU and sockets of their process trees, read from the operating system."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping

import psutil

from cygni.local.node.ports import Listener

Trees = dict[int, list[psutil.Process]]


def trees(roots: set[int]) -> Trees:
    """The running processes of each container, by its first process: descendants, and whoever is left in its session."""
    found: Trees = {root: [] for root in roots}
    if not roots:
        return found
    owner = {root: root for root in roots}
    for process in psutil.Process().children(recursive=True):  # parents come before their children
        with contextlib.suppress(psutil.Error):
            mine = owner.get(process.pid) or owner.get(process.ppid())
            if mine is not None:
                owner[process.pid] = mine
                found[mine].append(process)
    for pid in psutil.pids():
        with contextlib.suppress(psutil.Error, OSError):
            session = os.getsid(pid)
            if session in roots and pid not in owner:  # its parent has ended, so that it hangs below no one of ours
                found[session].append(psutil.Process(pid))
    return found


def resident(processes: list[psutil.Process]) -> int:
    """Resident memory of processes in bytes; pages they share are counted for each."""
    total = 0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            total += process.memory_info().rss
    return total


def proportional(processes: list[psutil.Process]) -> int:
    """Memory of processes in bytes, shared pages counted once, where the system tells; it costs a few ms per process."""
    total = 0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            info = process.memory_full_info()
            total += getattr(info, "pss", info.rss)
    return total


def cpu_seconds(processes: list[psutil.Process]) -> float:
    """CPU time that processes, and their children that ended, have used so far."""
    total = 0.0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def millicores(before: Mapping[int, float], after: Mapping[int, float], seconds: float) -> dict[int, int]:
    """CPU use of each container over the last `seconds`, from two readings of `cpu_seconds`; a new one has none yet."""
    known = {root: total - before[root] for root, total in after.items() if root in before}
    return {root: max(0, round(used / seconds * 1000)) for root, used in known.items()}


def listeners(root: int) -> list[Listener]:
    """Where a container's processes listen for TCP connections."""
    found = []
    for process in trees({root})[root]:
        with contextlib.suppress(psutil.Error):
            found += [
                Listener(connection.laddr.port, connection.laddr.ip)
                for connection in process.net_connections(kind="tcp")
                if connection.status == psutil.CONN_LISTEN and connection.family in (socket.AF_INET, socket.AF_INET6)
            ]
    return sorted(set(found))
