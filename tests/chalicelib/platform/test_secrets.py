"""What a store of secrets promises, held against the real one and the fake that other tests use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from botocore.exceptions import ConnectTimeoutError
from botocore.stub import Stubber

from chalicelib.platform.aws import client
from chalicelib.platform.errors import LostRace, SecretsUnavailable, Throttled, Transient
from chalicelib.platform.secrets import Secrets
from tests.fakes.secrets import FakeSecrets
from tests.support.store import memory_store

NAME = "cygni/test"
FIRST, SECOND = "1" * 32, "2" * 32
VALUE = "a-value-that-no-error-may-show"


@pytest.fixture(params=["real", "fake"])
def secrets(request: pytest.FixtureRequest) -> Iterator[Secrets | FakeSecrets]:
    if request.param == "fake":
        yield FakeSecrets()
        return
    with memory_store():
        yield Secrets()


def test_an_absent_secret_has_no_value(secrets: Secrets) -> None:
    assert secrets.read(NAME) is None


def test_the_first_write_makes_the_secret(secrets: Secrets) -> None:
    secrets.write(NAME, "one", token=FIRST)

    assert secrets.read(NAME) == "one"


def test_the_newest_value_is_read(secrets: Secrets) -> None:
    secrets.write(NAME, "one", token=FIRST)
    secrets.write(NAME, "two", token=SECOND)

    assert secrets.read(NAME) == "two"


def test_the_same_write_twice_is_one_version(secrets: Secrets) -> None:
    secrets.write(NAME, "one", token=FIRST)
    secrets.write(NAME, "one", token=FIRST)

    assert secrets.read(NAME) == "one"


def test_a_secret_that_is_forgotten_is_absent_and_may_be_forgotten_again(secrets: Secrets) -> None:
    secrets.write(NAME, "one", token=FIRST)

    for _ in range(2):
        secrets.forget(NAME)

    assert secrets.read(NAME) is None


def test_a_write_that_comes_again_late_does_not_bring_its_value_back(secrets: Secrets) -> None:
    secrets.write(NAME, "one", token=FIRST)
    secrets.write(NAME, "two", token=SECOND)

    secrets.write(NAME, "one", token=FIRST)

    assert secrets.read(NAME) == "two"


def test_another_value_under_the_same_token_lost_the_race(secrets: Secrets) -> None:
    secrets.write(NAME, "one", token=FIRST)
    secrets.write(NAME, "two", token=SECOND)

    with pytest.raises(LostRace):
        secrets.write(NAME, "three", token=SECOND)
    assert secrets.read(NAME) == "two"


def test_two_who_make_the_secret_at_once_make_one(secrets: Secrets) -> None:
    secrets.write(NAME, "one", token=FIRST)

    with pytest.raises(LostRace):
        secrets.write(NAME, "other", token=FIRST)
    assert secrets.read(NAME) == "one"


def test_a_secret_is_encrypted_with_the_key_that_is_set() -> None:
    with memory_store():
        Secrets("alias/cygni").write(NAME, "one", token=FIRST)

        assert client("secretsmanager").describe_secret(SecretId=NAME)["KmsKeyId"] == "alias/cygni"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("ThrottlingException", Throttled),
        ("InternalServiceError", SecretsUnavailable),
        ("AccessDeniedException", SecretsUnavailable),
        ("DecryptionFailure", SecretsUnavailable),
    ],
)
@pytest.mark.parametrize("operation", ["get_secret_value", "put_secret_value"])
def test_a_fault_is_one_of_ours_and_shows_no_value(operation: str, code: str, expected: type[Transient]) -> None:
    with memory_store(), Stubber(client("secretsmanager")) as stub:
        stub.add_client_error(operation, code, f"refused: {VALUE}")
        with pytest.raises(expected) as told:
            Secrets().read(NAME) if operation == "get_secret_value" else Secrets().write(NAME, VALUE, token=FIRST)

    assert VALUE not in f"{told.value} {told.value.remedy}"
    assert told.value.__suppress_context__


def test_a_service_that_does_not_answer_is_a_fault_that_passes() -> None:
    class Silent:
        def __call__(self, **_: object) -> None:
            raise ConnectTimeoutError(endpoint_url="https://secretsmanager.invalid")

    with memory_store():
        events = client("secretsmanager").meta.events
        silent = Silent()
        events.register("before-send.secrets-manager", silent)
        try:
            with pytest.raises(SecretsUnavailable, match="ConnectTimeoutError"):
                Secrets().read(NAME)
        finally:
            events.unregister("before-send.secrets-manager", silent)


def test_a_secret_marked_for_deletion_says_what_to_do() -> None:
    with memory_store():
        Secrets().write(NAME, "one", token=FIRST)
        client("secretsmanager").delete_secret(SecretId=NAME)

        with pytest.raises(SecretsUnavailable) as told:
            Secrets().read(NAME)
    assert "marked for deletion" in told.value.remedy
