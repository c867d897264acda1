from __future__ import annotations

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from chalicelib.platform.aws import client
from chalicelib.platform.codebuild import Builders
from chalicelib.platform.errors import BuildersBusy
from tests.support.store import memory_store


def refused(code: str) -> None:
    with memory_store(), Stubber(client("codebuild")) as stub:
        stub.add_client_error("start_build", code, "Cannot have more than 20 builds in queue for the account")
        Builders("cygni-build").start("bld_1", {}, buildspec="version: 0.2", timeout=60)


def test_a_build_for_which_there_is_no_room_waits_for_its_turn() -> None:
    with pytest.raises(BuildersBusy, match="As many builds run"):
        refused("AccountLimitExceededException")


def test_a_build_that_is_refused_for_another_reason_is_told_as_it_is() -> None:
    with pytest.raises(ClientError, match="InvalidInputException"):
        refused("InvalidInputException")
