"""What functions ask of AWS beyond the scenario where another region stands by: each asks who acts, and work is moved."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import boto3
import pytest

from chalicelib.platform import duty as duties
from chalicelib.platform.clock import utc_now
from chalicelib.platform.duty_rules import Term
from chalicelib.platform.errors import RegionPassive
from chalicelib.platform.secrets import Secrets
from chalicelib.platform.settings import settings
from cygni.local.cloud.resources import table_request
from functions import standby
from functions.catalog import API_FUNCTION, FUNCTIONS, PAIR_FUNCTIONS, REGIONAL_TABLES
from infra.pairs import Pair
from tests.infra.recorder import REGION, Recorder, recording
from tests.support.store import memory_store
from tests.support.world import Client, Fakes

PAIR = Pair(REGION, "us-west-2")


@dataclass(frozen=True)
class Context:
    """What of Lambda's context the guard reads."""

    function_name: str


@contextmanager
def in_the_home_region() -> Iterator[None]:
    """This process is the home region's, whose pair has a table of terms as well."""
    with pytest.MonkeyPatch.context() as patch, memory_store():
        for name, value in {"REGION": PAIR.home, "OWN_REGION": PAIR.home, "OTHER_REGION": PAIR.standby}.items():
            patch.setenv(f"CYGNI_{name}", value)
        for each in (settings, duties.duty):
            each.cache_clear()
        for region in (PAIR.home, PAIR.standby):
            boto3.client("dynamodb", region_name=region).create_table(**table_request(REGIONAL_TABLES[0]))
        yield
    for each in (settings, duties.duty):
        each.cache_clear()


def played_by_a_pair() -> Recorder:
    """What was called: by every function of a region that stands by, by the API, and by what moves the work."""
    with in_the_home_region(), recording() as recorder:
        duties.write(Term(1, utc_now(), PAIR.standby), settings(), there=False)
        for function in FUNCTIONS:
            duties.duty.cache_clear()  # as in another function's process
            with recorder.running(function.name), suppress(RegionPassive):
                standby.run({}, Context(function.name))
        with recorder.running(API_FUNCTION.name):
            _serve()
        for function in PAIR_FUNCTIONS:
            with recorder.running(function.name):
                standby.run({"to": PAIR.home}, Context(function.name))
        return recorder


def _serve() -> None:
    """The API says that it stands by; where it acts, credentials of clusters are copied, and taken back to be deleted."""
    assert Client(Fakes(duty=duties.Duty(settings()))).get("/v1/ready").status == 503
    secrets = Secrets(copies_to=PAIR.standby)
    secrets.write("cygni/clusters/team_a/01", "{}", token="0" * 32)
    secrets.forget("cygni/clusters/team_a/01")
