"""A month in which nobody deploys, with one registered cluster: the scheduled handlers are run, and their schedules multiply.

Each is run on the embedded cluster three times: cold, then with all that a process keeps for a while forgotten, then with it
kept. How often it is kept is what the schedule says.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bench.metering import KEY_WINDOW, PACE, Meter, Metering, metering
from chalicelib.deployments.reconcile_run import AT_ONCE, KINDS
from chalicelib.platform.aws import client
from chalicelib.platform.kubeauth import Access, BearerToken
from chalicelib.platform.metrics import NAMESPACE
from chalicelib.platform.remembered import KEPT
from chalicelib.platform.settings import settings
from chalicelib.platform.store import team_store
from chalicelib.platform.table import Put
from chalicelib.runtime.models import CLUSTERS, ClusterRecord, cluster_sk, team_pk
from cygni.local.cloud.lambdas import Context, resolve
from cygni.local.kube.server import Options, running_in_thread
from functions import ports
from functions.catalog import FUNCTIONS, Function
from tests.support.store import memory_store
from tests.support.world import TEAM

MONTH = 30 * 86_400
ACCOUNT = "123456789012"
TOKEN, NAME, ACCESS = "a token", "far", "acc_1"
_PASS = '{"StartAt": "End", "States": {"End": {"Type": "Pass", "End": true}}}'


def every(schedule: str) -> float:
    """Seconds between two runs at `rate(5 minutes)`."""
    number, unit = schedule.removeprefix("rate(").rstrip(")").split()
    return int(number) * {"minute": 60, "hour": 3600, "day": 86_400}[unit.rstrip("s")]


def idle() -> Meter:
    """Units of the month, without what stands."""
    month = Meter()
    with _account() as found:
        for function in FUNCTIONS:
            if function.schedule is not None:
                month = month.with_(_of_month(function, every(function.schedule), found))
    month.add("secret_month", 1)  # the cluster's credential
    return month


def _of_month(function: Function, period: float, found: Metering) -> Meter:
    """Runs of one function: those in which something is read anew are as many as the time for which it is kept allows."""
    _run(function, found)
    ports._secrets().doubt(f"cygni/clusters/{TEAM}/{ACCESS}")
    found.forget_keys()
    anew, kept = _run(function, found), _run(function, found)
    times = MONTH / period
    month = kept.times(times)
    secrets = anew.units["secret_request"] - kept.units["secret_request"]
    keys = anew.units["kms_request"] - kept.units["kms_request"] - secrets
    month.add("secret_request", secrets * times * min(1.0, period / KEPT))
    month.add("kms_request", keys * times * min(1.0, period / KEY_WINDOW) + secrets * times * min(1.0, period / KEPT))
    month.add("scheduler_invocation", times)
    return Meter(+month.units)


def _run(function: Function, found: Metering) -> Meter:
    found.begin()
    looks = ceil(len(KINDS) / AT_ONCE) if function.name == "cygni-reconcile" else 0
    with found.invoked(function, waits=looks * PACE.watching):
        resolve(function.handler)({}, Context(function, "arn", "idle"))
    return found.meter


@contextmanager
def _account() -> Iterator[Metering]:
    """AWS in memory, and the embedded cluster, registered with a token."""
    from kubernetes.client.api_client import ApiClient

    told = {
        "CYGNI_METRICS_NAMESPACE": NAMESPACE,
        "CYGNI_CLUSTER_HOSTS": "127.0.0.1",
        "CYGNI_KUBECONFIG": "",
        "CYGNI_ACCOUNT": ACCOUNT,
    }
    now, asked, original = datetime(2026, 1, 2, tzinfo=UTC), [0], ApiClient.call_api

    def counted(*given: Any, **more: Any) -> Any:
        asked[0] += 1
        return original(*given, **more)

    with tempfile.TemporaryDirectory() as folder, patch.dict(os.environ, told), patch.object(ApiClient, "call_api", counted):
        _forget()
        try:
            with running_in_thread(Options(TOKEN), Path(folder) / "kubeconfig") as port, memory_store():
                make_machine()
                client("secretsmanager").create_secret(Name=settings().signing_secret)
                with metering(lambda: now) as found:
                    _register(f"http://127.0.0.1:{port}")
                    found.asked = lambda: asked[0]
                    yield found
        finally:
            _forget()


def make_machine() -> None:
    """The state machine that deployments are started on; it keeps executions, and runs none."""
    role = f"arn:aws:iam::{ACCOUNT}:role/any"
    client("stepfunctions").create_state_machine(name="cygni-deploy", definition=_PASS, roleArn=role)


def _register(server: str) -> None:
    access = Access(server, "", BearerToken(TOKEN))
    client("secretsmanager").create_secret(Name=f"cygni/clusters/{TEAM}/{ACCESS}", SecretString=json.dumps(access.to_dict()))
    record = ClusterRecord(team_pk(TEAM), cluster_sk(NAME), team=TEAM, name=NAME, created_at=datetime.now(UTC))
    record.provider, record.server, record.access, record.health = "token", server, ACCESS, "healthy"
    record.metrics, record.preset, record.created_by = "", "envoy-gateway", "idle"
    record.gsi1pk, record.gsi1sk = CLUSTERS, f"TEAM#{TEAM}#{NAME}"
    team_store(TEAM).commit([Put(record)])


def _forget() -> None:
    settings.cache_clear()
    ports._secrets.cache_clear()
    ports._cluster.cache_clear()
