"""Read the logs of pods from a cluster, as much as a page needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chalicelib.platform.errors import ClusterUnavailable
from chalicelib.platform.kubeport import Cluster, Json
from chalicelib.runtime import logs
from chalicelib.runtime.logs import Cursor, Place, PodLog
from chalicelib.runtime.readiness import app_status, last_end
from chalicelib.runtime.rules import CONTAINER, REVISION_LABEL

FIRST_BYTES = 256 * 1024
MOST_BYTES = 16 * 1024 * 1024
TAIL_LINES = 20


def newest_entries(cluster: Cluster, pods: Sequence[Json], limit: int) -> list[PodLog]:
    """Each pod's last lines, at most `limit` of each container."""
    return _of_each(pods, lambda pod: _newest(cluster, pod, limit))


def entries_after(cluster: Cluster, pods: Sequence[Json], cursor: Cursor) -> list[PodLog]:
    """Each pod's lines from about the cursor's place on, as many as it takes to find new ones."""
    return _of_each(pods, lambda pod: _after(cluster, pod, cursor.place(pod["metadata"]["name"])))


def tail_of(cluster: Cluster, pod: Json) -> tuple[str, ...]:
    """The last lines of the process that ended last, or of the present one if none did."""
    namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
    came_back = last_end(pod) is not None and "running" in (app_status(pod).get("state") or {})
    for previous in (came_back, not came_back):
        text = cluster.pod_log(namespace, name, CONTAINER, tail=TAIL_LINES, previous=previous)
        found = logs.entries("", text, closed=True)
        if found:
            return tuple(entry.text for entry in found[-TAIL_LINES:])
    return ()


def last_words(pod: Json) -> tuple[str, ...]:
    """The last lines that the node wrote into the pod's status when the process ended."""
    return tuple(str((last_end(pod) or {}).get("message") or "").splitlines()[-TAIL_LINES:])


def _of_each(pods: Sequence[Json], read: Callable[[Json], PodLog]) -> list[PodLog]:
    """The logs of all pods whose node answers; the others' lines come with a later page. An error when no node does."""
    found, silent = [], None
    for pod in pods:
        try:
            found.append(read(pod))
        except ClusterUnavailable as error:
            found.append(PodLog(pod["metadata"]["name"], _revision(pod), ()))
            silent = error
    if silent is not None and not any(log.entries for log in found):
        raise silent
    return found


def _newest(cluster: Cluster, pod: Json, limit: int) -> PodLog:
    namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
    before = cluster.pod_log(namespace, name, CONTAINER, tail=limit, previous=True) if _restarted(pod) else ""
    now = cluster.pod_log(namespace, name, CONTAINER, tail=limit)
    found = logs.entries(before, now, closed=not _running(pod))
    if found and found[-1].place.nth >= limit:
        # all of one moment: the tail may have been cut inside it, and only the whole tells how many lines it has
        return _after(cluster, pod, Place(found[-1].place.moment, 0))
    return PodLog(name, _revision(pod), found)


def _after(cluster: Cluster, pod: Json, place: Place) -> PodLog:
    namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
    since, size = logs.second_before(place), FIRST_BYTES
    before = cluster.pod_log(namespace, name, CONTAINER, since=since, previous=True) if _restarted(pod) else ""
    while True:
        now = cluster.pod_log(namespace, name, CONTAINER, since=since, limit_bytes=size)
        cut = len(now.encode()) >= size
        found = logs.entries(before, now, closed=not (cut or _running(pod)))
        if not cut or (found and found[-1].place > place):
            return PodLog(name, _revision(pod), found, cut)
        if size >= MOST_BYTES:  # a flood within one moment: the reader goes on behind it rather than stand still for ever
            return _after(cluster, pod, Place(place.moment + 2 * logs.NANO, 0))
        size *= 4


def _restarted(pod: Json) -> bool:
    return int(app_status(pod).get("restartCount", 0)) > 0


def _running(pod: Json) -> bool:
    return "running" in (app_status(pod).get("state") or {})


def _revision(pod: Json) -> str:
    return str(pod["metadata"].get("labels", {}).get(REVISION_LABEL, ""))
