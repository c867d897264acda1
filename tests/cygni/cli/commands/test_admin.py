"""`cygni admin replay` against queues and functions in memory: what is sent again, what is left, and by whom."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID

from cygni.cli.exits import Exit
from cygni.operator.deadletters import DeadLetters, Queue
from tests.cygni.cli.conftest import Cli
from tests.infra.account import create_functions, invoking

REGION, NAME = "us-east-1", "cygni-dead-letters"


@dataclass
class Place:
    """An account with a dead-letter queue; `took` is what functions were given, `broken` those that cannot be invoked."""

    url: str = ""
    took: list[tuple[str, Any]] = field(default_factory=list)

    @property
    def sqs(self) -> Any:
        return boto3.client("sqs", region_name=REGION)

    def lose(self, service: str, function: str = "cygni-remove-service") -> None:
        """A letter as Lambda writes it."""
        arn = f"arn:aws:lambda:{REGION}:{DEFAULT_ACCOUNT_ID}:function:{function}"
        body = {"requestContext": {"functionArn": arn}, "requestPayload": {"service": service}, "responsePayload": {}}
        self.write(json.dumps(body))

    def write(self, body: str) -> None:
        self.sqs.send_message(QueueUrl=self.url, MessageBody=body)

    @property
    def waiting(self) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)


@pytest.fixture
def place() -> Iterator[Place]:
    made = Place()
    with invoking(lambda name, event: made.took.append((name, event))), mock_aws():
        create_functions(["cygni-remove-service", "cygni-erase-user"])
        made.url = made.sqs.create_queue(QueueName=NAME)["QueueUrl"]
        made.sqs.create_queue(QueueName="cygni-work")
        made.sqs.create_queue(QueueName="payroll-dead-letters")
        yield made


@pytest.fixture
def operator(tmp_path: Path) -> Cli:
    return Cli(tmp_path, {"HOME": str(tmp_path)})


def services(place: Place) -> list[str]:
    return sorted(event["service"] for _, event in place.took)


def test_without_a_queue_those_of_the_installation_are_listed_and_nothing_is_taken(operator: Cli, place: Place) -> None:
    place.lose("web")

    assert operator.document("admin", "replay") == {
        "place": REGION,
        "queues": [{"name": NAME, "waiting": 1, "held": 0}],
    }
    assert NAME in operator("admin", "replay").stdout
    assert place.took == []


def test_a_dry_run_shows_names_and_ids_and_leaves_the_letters_to_be_taken(operator: Cli, place: Place) -> None:
    place.lose("web")
    place.write("garbage")

    shown = operator.document("admin", "replay", "--all", "--dry-run")

    assert {each["outcome"] for each in shown["letters"]} == {"", "It is not JSON."}
    assert [each["about"] for each in shown["letters"] if not each["left"]] == [{"service": "web"}]
    assert place.took == []
    assert operator.document("admin", "replay", "--all", "--dry-run")["letters"] == shown["letters"]


def test_each_letter_goes_to_its_function_with_its_event_and_is_gone(operator: Cli, place: Place) -> None:
    for number in range(23):
        place.lose(f"web-{number:02}")
    place.lose("own", "cygni-erase-user")

    done = operator.document("admin", "replay", "--all", "--yes")

    assert (done["replayed"], done["left"]) == (24, 0)
    assert services(place) == ["own", *(f"web-{number:02}" for number in range(23))]
    assert ("cygni-erase-user", {"service": "own"}) in place.took
    assert place.waiting == 0


def test_twice_is_once(operator: Cli, place: Place) -> None:
    place.lose("web")

    assert operator("admin", "replay", "--queue", NAME, "--yes").exit_code == Exit.OK
    again = operator("admin", "replay", "--queue", NAME, "--yes")

    assert again.exit_code == Exit.OK
    assert "There are no dead letters." in again.stdout
    assert services(place) == ["web"]


def test_two_at_once_share_the_letters(place: Place) -> None:
    names = sorted(f"web-{number:02}" for number in range(40))
    for name in names:
        place.lose(name)
    both = [DeadLetters(place.sqs, boto3.client("lambda", region_name=REGION), wait=0) for _ in range(2)]
    queue: Queue = both[0].queues(NAME)[0]

    with ThreadPoolExecutor(2) as pool:
        counts = list(pool.map(lambda each: len(list(each.replay(queue, most=100))), both))

    assert sum(counts) == 40
    assert services(place) == names
    assert place.waiting == 0


def test_what_no_function_takes_is_left_for_the_next_run_and_the_command_says_so(operator: Cli, place: Place) -> None:
    place.lose("web", "cygni-of-another-release")
    place.lose("shop")
    place.write("garbage")

    done = operator("admin", "replay", "--all", "--yes")

    assert done.exit_code == Exit.UNHEALTHY
    assert "ResourceNotFoundException" in done.stdout
    assert "1 replayed, 2 left." in done.stdout
    assert services(place) == ["shop"]
    assert place.waiting == 2
    assert len(operator.document("admin", "replay", "--all", "--dry-run")["letters"]) == 2


def test_a_letter_whose_deletion_failed_stays_and_goes_again(operator: Cli, place: Place) -> None:
    place.lose("web")
    honest = boto3.client("sqs", region_name=REGION)
    cut = _without(honest, "delete_message")
    letters = DeadLetters(cut, boto3.client("lambda", region_name=REGION), wait=0)

    with pytest.raises(ConnectionError):
        list(letters.replay(letters.queues(NAME)[0], most=5))

    assert place.waiting == 1
    assert services(place) == ["web"]


def test_no_more_than_wanted_are_taken_up(operator: Cli, place: Place) -> None:
    for number in range(5):
        place.lose(f"web-{number}")

    assert operator.document("admin", "replay", "--all", "--yes", "--max", "3")["replayed"] == 3
    assert place.waiting == 2


def test_what_fails_again_while_it_runs_is_not_taken_up_twice(place: Place) -> None:
    place.lose("web")
    letters = DeadLetters(
        place.sqs, boto3.client("lambda", region_name=REGION), wait=0, now=lambda: datetime(2020, 1, 1, tzinfo=UTC)
    )

    assert list(letters.replay(letters.queues(NAME)[0], most=5)) == []
    assert place.waiting == 1


@pytest.mark.parametrize(
    ("given", "code", "words"),
    [
        (("--all", "--queue", NAME), Exit.USAGE, "do not go together"),
        (("--local", "--region", "eu-west-1"), Exit.USAGE, "--local does not go with"),
        (("--queue", "cygni-nobody-dead-letters"), Exit.NOT_FOUND, "no dead-letter queue named"),
        (("--local",), Exit.USAGE, "make up"),
        (("--all", "--json"), Exit.USAGE, "must be agreed to"),
        (("--profile", "nobody"), Exit.NOT_SIGNED_IN, "There are no AWS credentials"),
    ],
)
def test_what_cannot_be_done_is_told_with_its_remedy(
    operator: Cli, place: Place, given: tuple[str, ...], code: Exit, words: str
) -> None:
    done = operator("admin", "replay", *given)

    assert done.exit_code == code, done.stderr
    assert words in " ".join(done.stderr.split())


def test_it_asks_first(operator: Cli, place: Place) -> None:
    place.lose("web")

    assert operator("admin", "replay", "--all", stdin="n\n").exit_code == 1
    assert place.took == []
    assert operator("admin", "replay", "--all", stdin="y\n").exit_code == Exit.OK
    assert services(place) == ["web"]


def _without(client: Any, call: str) -> Any:
    """A client whose connection is cut before one of its calls."""

    class Cut:
        def __getattr__(self, name: str) -> Callable[..., Any]:
            if name == call:
                raise ConnectionError(call)
            return getattr(client, name)  # type: ignore[no-any-return]

    return Cut()
