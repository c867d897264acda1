"""CodeBuild that builds. ministack keeps the records and pretends; here a started build is carried out in a thread.

Builds go on after a restart: one that was running is begun again under its id, as a build on AWS does not end because the
control plane did. One that was interrupted too often is given up, so that a build which takes the process down cannot do so
for ever.
"""

from __future__ import annotations

import copy
import json
import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from cygni.local.cloud.buildjob import Job
from cygni.local.cloud.emulator import expect_signature

LOG = logging.getLogger("cloud.builds")

Record = dict[str, Any]
Announce = Callable[[Record], None]
CarryOut = Callable[[Job, threading.Event], str]

_TOKEN_SECONDS = 300
_INTERRUPTIONS = 3
_TOKEN, _INTERRUPTED = "cygniToken", "cygniInterruptions"


class CodeBuild:
    """The three operations, over ministack's records. `carry_out` runs a job to its status, `announce` tells of a change."""

    def __init__(self, module: Any, carry_out: CarryOut, announce: Announce) -> None:
        for name in ("_start_build", "_stop_build", "_batch_get_builds"):
            expect_signature(getattr(module, name), ["data"])
        expect_signature(module._make_build_record, ["project", "build_id", "source_version"])
        self._module = module
        self._carry_out = carry_out
        self._announce = announce
        self._running: dict[str, threading.Event] = {}
        self._lock = threading.Lock()

    def install(self) -> None:
        """Puts the operations in the place of ministack's."""
        self._module._start_build = self.start
        self._module._stop_build = self.stop

    def start(self, data: dict[str, Any]) -> Any:
        """StartBuild. The same idempotencyToken within five minutes, or while its build runs, answers the same build."""
        name = data.get("projectName", "")
        project = self._module._projects.get(name)
        if project is None:
            return self._module.error_response_json("ResourceNotFoundException", f"Project not found: {name}", 400)
        with self._lock:
            record = self._same(data.get("idempotencyToken"))
            if record is None:
                record = self._module._make_build_record(project, self._module._build_id(name), data.get("sourceVersion"))
                _open(record, data)
                self._module._builds[record["id"]] = record
                self._begin(record)
        return self._module.json_response({"build": copy.deepcopy(record)})

    def stop(self, data: dict[str, Any]) -> Any:
        """StopBuild. The build's processes are killed; its record says STOPPED once they are gone."""
        record = self._module._builds.get(data.get("id", ""))
        if record is None:
            return self._module.error_response_json("ResourceNotFoundException", f"Build not found: {data.get('id')}", 400)
        with self._lock:
            cancelled = self._running.get(record["id"])
        if cancelled is not None:
            cancelled.set()
        return self._module.json_response({"build": copy.deepcopy(record)})

    def resume(self) -> int:
        """Begins again what a restart interrupted; answers how many. Call it once, before anything is started."""
        resumed = 0
        for record in list(self._module._builds.values()):
            if record["buildStatus"] not in {"IN_PROGRESS", "FAULT"}:
                continue
            record[_INTERRUPTED] = record.get(_INTERRUPTED, 0) + 1
            if record[_INTERRUPTED] > _INTERRUPTIONS:
                self._end(record, "FAILED")
                continue
            record.update(buildStatus="IN_PROGRESS", currentPhase="BUILD")
            record.pop("endTime", None)
            with self._lock:
                self._begin(record)
            resumed += 1
        return resumed

    def stop_all(self, seconds: float = 3.0) -> None:
        """Kills what runs, without recording an end, so that the next start resumes it."""
        with self._lock:
            events, self._running = list(self._running.values()), {}
        for cancelled in events:
            cancelled.set()
        deadline = time.monotonic() + seconds
        while any(each.name.startswith("build cygni") for each in threading.enumerate()) and time.monotonic() < deadline:
            time.sleep(0.02)

    def _same(self, token: str | None) -> Record | None:
        recent = time.time() - _TOKEN_SECONDS
        for record in self._module._builds.values():
            known = token and record.get(_TOKEN) == token
            if known and (record["buildStatus"] == "IN_PROGRESS" or record["startTime"] > recent):
                found: Record = record
                return found
        return None

    def _begin(self, record: Record) -> None:
        variables = {each["name"]: each["value"] for each in record["environment"].get("environmentVariables", [])}
        job = Job(record["id"], variables, record["timeoutInMinutes"] * 60)
        cancelled = threading.Event()
        self._running[record["id"]] = cancelled
        threading.Thread(target=self._run, args=(job, record, cancelled), name=f"build {record['id']}", daemon=True).start()

    def _run(self, job: Job, record: Record, cancelled: threading.Event) -> None:
        self._announce(record)
        try:
            status = self._carry_out(job, cancelled)
        except Exception:  # broad: a build whose result cannot even be stored has failed, and must be seen to have
            LOG.exception("build %s could not be carried out", job.id)
            status = "FAILED"
        with self._lock:
            ours = self._running.get(job.id) is cancelled  # not one that was resumed meanwhile
            if ours:
                del self._running[job.id]
        if ours:
            self._end(record, status)

    def _end(self, record: Record, status: str) -> None:
        record.update(buildStatus=status, currentPhase="COMPLETED", endTime=int(time.time()))
        LOG.info("build %s: %s", record["id"], status)
        self._announce(record)


def _open(record: Record, data: dict[str, Any]) -> None:
    """Makes a record that says SUCCEEDED into one of a build that has just begun."""
    record.pop("endTime", None)
    now = record["startTime"]
    phase = {"phaseType": "SUBMITTED", "phaseStatus": "SUCCEEDED", "startTime": now, "endTime": now}
    record.update(buildStatus="IN_PROGRESS", currentPhase="BUILD", phases=[phase, {"phaseType": "BUILD", "startTime": now}])
    record[_TOKEN] = data.get("idempotencyToken")
    if "timeoutInMinutesOverride" in data:
        record["timeoutInMinutes"] = data["timeoutInMinutesOverride"]
    own = {each["name"]: each for each in record["environment"].get("environmentVariables", [])}
    own |= {each["name"]: each for each in data.get("environmentVariablesOverride", [])}
    record["environment"] = {**record["environment"], "environmentVariables": list(own.values())}


def event_of(record: Record, now: datetime) -> dict[str, Any]:
    """The PutEvents entry that CodeBuild emits for a build's state."""

    detail = {
        "build-status": record["buildStatus"],
        "project-name": record["projectName"],
        "build-id": record["arn"],
        "current-phase": record["currentPhase"],
        "version": "1",
        "additional-information": {
            "build-complete": record["buildStatus"] != "IN_PROGRESS",
            "build-start-time": datetime.fromtimestamp(record["startTime"], UTC).strftime("%b %d, %Y %I:%M:%S %p"),
            "initiator": record["initiator"],
            "timeout-in-minutes": record["timeoutInMinutes"],
            "environment": {
                **{key: value for key, value in record["environment"].items() if key != "environmentVariables"},
                "environment-variables": record["environment"].get("environmentVariables", []),
            },
            "logs": {"group-name": record["logs"]["groupName"], "stream-name": record["logs"]["streamName"]},
        },
    }
    return {
        "Source": "aws.codebuild",
        "DetailType": "CodeBuild Build State Change",
        "Detail": json.dumps(detail),
        "Resources": [record["arn"]],
        "Time": now.timestamp(),
    }


def announce_to(eventbridge: Any) -> Announce:
    """An `announce` that puts the event on ministack's default bus, as only AWS itself may for a source named `aws.…`."""
    expect_signature(eventbridge._put_events, ["data", "allow_aws_source"])

    def announce(record: Record) -> None:
        eventbridge._put_events({"Entries": [event_of(record, datetime.now(UTC))]}, allow_aws_source=True)

    return announce
