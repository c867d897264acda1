"""The door to the tables: bound to its owner by construction, and witnessed where it changes something."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from pynamodb.attributes import (
    BooleanAttribute,
    JSONAttribute,
    NumberAttribute,
    TTLAttribute,
    UnicodeAttribute,
    UTCDateTimeAttribute,
)
from pynamodb.exceptions import AttributeDeserializationError

from bench.store_calls import Tour
from bench.store_count import counting
from bench.team_calls import tour_of_one_team
from chalicelib.platform import dynamodb as clients
from chalicelib.platform.dynamodb import TENANT_ACTIONS, session_request, tenant_policy
from chalicelib.platform.errors import Malformed
from chalicelib.platform.packed import PackedAttribute, RepackedAttribute
from chalicelib.platform.settings import settings
from chalicelib.platform.store import ForeignKey, Store, team_store
from chalicelib.platform.table import Check, ConditionFailed, Count, Put, Record, Remove, unpack
from tests.support.rollout import Stage
from tests.support.store import memory_store
from tests.support.world import TEAM, Client, Fakes


class Thing(Record):
    """Something that a team has."""

    name = UnicodeAttribute(null=True)
    size = NumberAttribute(null=True)
    other = NumberAttribute(null=True)


@pytest.fixture
def store() -> Iterator[Store]:
    with memory_store():
        yield team_store("a")


def thing(pk: str = "TEAM#a", sk: str = "THING#1", **values: Any) -> Thing:
    return Thing(pk, sk, **values)


FOREIGN = ["TEAM#b", "TEAM#ab", "TEAM#", "TEAM", "", "USER#a", "TEAM#b#PROJECT#a", " TEAM#a"]


@pytest.mark.parametrize("pk", FOREIGN)
def test_a_store_reads_and_writes_nothing_of_another_owner(store: Store, pk: str) -> None:
    attempts = [
        lambda: store.fetch(Thing, pk, "x"),
        lambda: store.together((Thing, "TEAM#a", "x"), (Thing, pk, "x")),
        lambda: store.page(Thing, pk, "x", cursor=None, limit=1),
        lambda: store.commit([Put(thing()), Put(thing(pk))]),
        lambda: store.commit([Check(Thing, pk, "x")]),
        lambda: store.commit([Remove(Thing, pk, "x")]),
        lambda: store.commit([Count(Thing, pk, "x", {"size": 1})]),
    ]

    for attempt in attempts:
        with pytest.raises(ForeignKey):
            attempt()
    assert store.fetch(Thing, "TEAM#a", "THING#1") is None


@given(st.text(max_size=12), st.text(max_size=12))
def test_no_key_of_one_team_is_another_teams_whatever_the_ids_are(team: str, other: str) -> None:
    mine = team_store(team)
    keys = [f"TEAM#{other}", f"TEAM#{other}#PROJECT#x"]

    for key in keys:
        owned = key == f"TEAM#{team}" or key.startswith(f"TEAM#{team}#")
        if not owned:
            with pytest.raises(ForeignKey):
                mine.fetch(Thing, key, "x")


@pytest.mark.parametrize("door", ["get", "query", "scan", "count", "batch_get", "batch_write", "save", "delete", "update"])
def test_records_have_no_door_of_their_own(door: str) -> None:
    with pytest.raises(TypeError, match="through a Store"):
        getattr(Thing, door)()
    with pytest.raises(TypeError, match="through a Store"):
        getattr(thing(), door)()


def test_a_new_record_must_be_absent_and_a_loaded_one_unchanged(store: Store) -> None:
    store.commit([Put(thing(name="first"))])
    loaded, again = store.fetch(Thing, "TEAM#a", "THING#1"), store.fetch(Thing, "TEAM#a", "THING#1")
    assert loaded is not None
    assert again is not None

    loaded.name = "second"
    store.commit([Put(loaded)])
    loaded.name = "third"
    store.commit([Put(loaded)])

    with pytest.raises(ConditionFailed):
        store.commit([Put(thing(name="new"))])
    with pytest.raises(ConditionFailed):
        store.commit([Put(again)])
    kept = store.fetch(Thing, "TEAM#a", "THING#1")
    assert kept is not None
    assert (kept.name, int(kept.version)) == ("third", 3)


def test_all_writes_of_a_commit_are_done_or_none_and_the_losers_are_named(store: Store) -> None:
    store.commit([Put(thing())])

    with pytest.raises(ConditionFailed) as lost:
        store.commit([Put(thing(sk="THING#2")), Put(thing()), Check(Thing, "TEAM#a", "THING#9")])

    assert lost.value.failed == {1, 2}
    assert store.fetch(Thing, "TEAM#a", "THING#2") is None


def test_a_counter_begins_by_itself_and_stays_within_its_bound(store: Store) -> None:
    for _ in range(3):
        store.commit([Count(Thing, "TEAM#a", "USAGE", {"size": 1}, {"size": 3})])

    with pytest.raises(ConditionFailed):
        store.commit([Count(Thing, "TEAM#a", "USAGE", {"size": 1}, {"size": 3})])
    store.commit([Count(Thing, "TEAM#a", "USAGE", {"size": -1})])

    usage = store.fetch(Thing, "TEAM#a", "USAGE")
    assert usage is not None
    assert usage.size == 2


@pytest.mark.parametrize(
    ("add", "at_most", "at_least", "holds"),
    [
        (1, 1, None, True),
        (1, 0, None, False),
        (2, 1, None, False),
        (-1, None, 0, False),
        (1, None, 1, True),
        (1, None, 2, False),
    ],
)
def test_a_counter_that_is_absent_is_nought(
    store: Store, add: int, at_most: int | None, at_least: int | None, holds: bool
) -> None:
    most = {} if at_most is None else {"size": at_most}
    least = {} if at_least is None else {"size": at_least}
    count = Count(Thing, "TEAM#a", "USAGE", {"size": add}, most, least)

    if holds:
        store.commit([count])
    else:
        with pytest.raises(ConditionFailed):
            store.commit([count])


def test_a_counter_keeps_at_least_what_it_must_and_others_beside_it_are_free(store: Store) -> None:
    store.commit([Count(Thing, "TEAM#a", "USAGE", {"size": 2, "other": 1})])
    less = Count(Thing, "TEAM#a", "USAGE", {"size": -1, "other": -5}, at_least={"size": 1})
    store.commit([less])

    with pytest.raises(ConditionFailed):
        store.commit([less])


def test_a_store_may_reach_more_owners_for_one_change(store: Store) -> None:
    wide = store.also("USER#b")

    wide.commit([Put(thing()), Put(thing("USER#b"))])

    assert wide.fetch(Thing, "USER#b", "THING#1") is not None
    with pytest.raises(ForeignKey):
        wide.fetch(Thing, "TEAM#c", "THING#1")


def test_a_store_that_asks_reads_what_it_may_and_changes_nothing(store: Store) -> None:
    store.commit([Put(thing())])
    asking = store.asking()

    assert asking.fetch(Thing, "TEAM#a", "THING#1") is not None
    with pytest.raises(ForeignKey):
        asking.fetch(Thing, "TEAM#b", "THING#1")
    with pytest.raises(ForeignKey, match="asks"):
        asking.commit([Put(thing(sk="THING#2"))])


@pytest.mark.slow
def test_everything_of_a_kind_is_read_whatever_its_number(store: Store) -> None:
    for start in range(0, 230, 50):
        store.commit([Put(thing(sk=f"THING#{number:04d}")) for number in range(start, min(start + 50, 230))])

    assert len(list(store.every(Thing, "TEAM#a", "THING#"))) == 230


@contextmanager
def conflicts(operation: str, positions: set[int], times: int) -> Iterator[list[str]]:
    """The first `times` calls of an operation meet another transaction at these of their items."""
    original, made = BaseClient._make_api_call, []

    def busy(client: Any, name: str, asked: dict[str, Any]) -> Any:
        made.append(name)
        if name != operation or made.count(operation) > times:
            return original(client, name, asked)
        codes = ["TransactionConflict" if at in positions else "None" for at in range(len(asked["TransactItems"]))]
        error = {"Code": "TransactionCanceledException", "Message": "x"}
        raise ClientError({"Error": error, "CancellationReasons": [{"Code": code} for code in codes]}, name)

    BaseClient._make_api_call = busy
    try:
        yield made
    finally:
        BaseClient._make_api_call = original


def test_a_count_that_meets_another_transaction_is_done_again_and_a_put_is_not(store: Store) -> None:
    writes = [Put(thing()), Count(Thing, "TEAM#a", "USAGE", {"size": 1})]

    with conflicts("TransactWriteItems", {0}, 1), pytest.raises(ConditionFailed):
        store.commit(writes)
    with conflicts("TransactWriteItems", {1}, 2) as calls:
        store.commit(writes)

    assert calls == ["TransactWriteItems"] * 3
    usage = store.fetch(Thing, "TEAM#a", "USAGE")
    assert usage is not None
    assert usage.size == 1


def test_a_read_of_several_that_meets_a_transaction_is_done_again(store: Store) -> None:
    store.commit([Put(thing())])

    with conflicts("TransactGetItems", {0}, 2) as calls:
        found, absent = store.together((Thing, "TEAM#a", "THING#1"), (Thing, "TEAM#a", "THING#2"))

    assert (found.sk, absent, len(calls)) == ("THING#1", None, 3)


def test_removing_what_is_absent_is_no_error_unless_a_condition_says_so(store: Store) -> None:
    store.commit([Remove(Thing, "TEAM#a", "THING#1")])

    with pytest.raises(ConditionFailed):
        store.commit([Remove(Thing, "TEAM#a", "THING#1", Thing.pk.exists())])


def test_pages_follow_each_other_and_a_cursor_is_of_its_own_list(store: Store) -> None:
    store.commit([Put(thing(sk=f"THING#{number}")) for number in range(5)])

    first, cursor = store.page(Thing, "TEAM#a", "THING#", cursor=None, limit=3)
    rest, end = store.page(Thing, "TEAM#a", "THING#", cursor=cursor, limit=3)

    assert [each.sk for each in (*first, *rest)] == [f"THING#{number}" for number in range(5)]
    assert end is None
    with pytest.raises(Malformed):
        store.page(Thing, "TEAM#a", "OTHER#", cursor=cursor, limit=3)


_FIRST, _LAST = datetime(1971, 1, 1), datetime(2100, 1, 1)  # noqa: DTZ001 - hypothesis takes bounds without a zone
MOMENTS = st.datetimes(_FIRST, _LAST, timezones=st.just(UTC))


class Whole(Record):
    """One attribute of each kind that records have."""

    text = UnicodeAttribute(attr_name="t")
    number = NumberAttribute(default=7)
    flag = BooleanAttribute(null=True)
    json = JSONAttribute(default=dict)
    packed = PackedAttribute(null=True)
    at = UTCDateTimeAttribute(null=True)
    ends = TTLAttribute(null=True)


@given(
    st.fixed_dictionaries(
        {"text": st.text(min_size=1)},
        optional={
            "number": st.integers(-(10**12), 10**12),
            "flag": st.booleans(),
            "json": st.dictionaries(st.text(), st.integers()),
            "packed": st.lists(st.text()),
            "at": MOMENTS,
            "ends": MOMENTS,
            "version": st.integers(1, 10**6),
        },
    )
)
def test_a_record_is_unpacked_as_pynamodb_would(values: dict[str, Any]) -> None:
    raw = {"pk": {"S": "TEAM#a"}, "sk": {"S": "x"}, **Whole("TEAM#a", "x", **values).serialize()}

    ours, theirs = unpack(Whole, raw), Whole.from_raw_data({key: dict(value) for key, value in raw.items()})

    assert ours.attribute_values == theirs.attribute_values
    assert ours.serialize() == theirs.serialize()


def test_a_value_of_another_type_than_the_record_says_is_an_error() -> None:
    with pytest.raises(AttributeDeserializationError):
        unpack(Whole, {"pk": {"S": "TEAM#a"}, "sk": {"S": "x"}, "t": {"N": "1"}})


def test_what_an_older_version_wrote_as_text_is_read_and_packed_with_its_next_change() -> None:
    class Kept(Record):
        """A record of which one attribute used to be JSON text."""

        spec = RepackedAttribute()

    place = {"pk": {"S": "TEAM#a"}, "sk": {"S": "x"}}
    read = unpack(Kept, {**place, "spec": {"S": '{"port": 8080}'}})

    assert read.spec == {"port": 8080}
    assert unpack(Kept, {**place, "spec": read.serialize()["spec"]}).spec == {"port": 8080}
    assert "B" in read.serialize()["spec"]


# --- narrowed credentials


TENANTS, MEMBERS = (f"arn:aws:iam::123456789012:role/cygni-{each}" for each in ("tenant", "member"))


@pytest.fixture
def narrowed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fakes]:
    """An installation that serves requests with credentials of the tenant alone."""
    monkeypatch.setenv("CYGNI_TENANT_ROLE", TENANTS)
    monkeypatch.setenv("CYGNI_MEMBER_ROLE", MEMBERS)
    settings.cache_clear()
    clients._sessions.clear()
    with memory_store():
        yield Fakes()
    clients._sessions.clear()
    monkeypatch.undo()
    settings.cache_clear()


def allowed(policy: dict[str, Any], team: str, action: str, key: str) -> bool:
    """Whether a policy of one statement lets a session with this tag do an action on a key, as IAM would decide."""
    (statement,) = policy["Statement"]
    patterns = statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    own = [each.replace("${aws:PrincipalTag/team}", team) for each in patterns]
    return f"dynamodb:{action}" in statement["Action"] and any(fnmatchcase(key, each) for each in own)


_SINGLE = {"GetItem": "GetItem", "PutItem": "PutItem", "DeleteItem": "DeleteItem", "UpdateItem": "UpdateItem", "Query": "Query"}
_INSIDE = {
    "Get": "GetItem",
    "Put": "PutItem",
    "Delete": "DeleteItem",
    "Update": "UpdateItem",
    "ConditionCheck": "ConditionCheckItem",
}


NOBODYS = {"pk": {"S": "READY"}, "sk": {"S": "READY"}}
"""What is read to see whether the records answer, which is no team's."""


def touched(name: str, asked: dict[str, Any]) -> list[tuple[str, str]]:
    """Which action on which partition key a call comes to, in the words of policies."""
    if name == "Query":
        return [("Query", asked["ExpressionAttributeValues"][":pk"]["S"])]
    if name in _SINGLE:
        return [(_SINGLE[name], (asked.get("Key") or asked["Item"])["pk"]["S"])]
    actions = [next(iter(each.items())) for each in asked["TransactItems"]]
    return [(_INSIDE[kind], (request.get("Key") or request["Item"])["pk"]["S"]) for kind, request in actions]


@pytest.mark.slow
def test_every_call_of_every_route_is_within_what_the_tenants_own_role_may(
    narrowed: Fakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[str, str]] = []
    serving, original = [False], BaseClient._make_api_call

    def noted(client: Any, name: str, asked: dict[str, Any]) -> Any:
        credentials = client._request_signer._credentials
        if serving[0] and client.meta.service_model.service_name == "dynamodb" and asked.get("Key") != NOBODYS:
            assert credentials.token, f"{name} was called with the function's own credentials"
            made.extend(touched(name, asked))
        return original(client, name, asked)

    monkeypatch.setattr(BaseClient, "_make_api_call", noted)
    stage = Stage(_Serving(narrowed, serving), narrowed)
    with counting() as counter:
        tour = Tour(stage, counter)
        tour.run()
        tour_of_one_team(tour.send)

    policy = tenant_policy(["*"])
    assert len(made) > 100
    assert [each for each in made if not allowed(policy, TEAM, *each)] == []
    assert [each for each in made if allowed(policy, "team_other", *each)] == []
    assert {f"dynamodb:{action}" for action, _ in made} | {"dynamodb:UpdateItem"} == set(TENANT_ACTIONS)


class _Serving(Client):
    """A client that says while a request of the API is being served."""

    def __init__(self, fakes: Fakes, serving: list[bool]) -> None:
        super().__init__(fakes)
        self._serving = serving

    def __call__(self, *given: Any, **more: Any) -> Any:
        self._serving[0] = True
        try:
            return super().__call__(*given, **more)
        finally:
            self._serving[0] = False


def test_a_session_is_tagged_with_its_team_and_kept_until_shortly_before_it_ends(narrowed: Fakes) -> None:
    one, same, other = (clients.dynamodb(team) for team in ("team_1", "team_1", "team_2"))

    request = session_request("arn:role", "team_1")
    assert request["Tags"] == [{"Key": "team", "Value": "team_1"}]
    assert one is same
    assert one is not other
    assert clients.dynamodb() is clients.dynamodb(None)


def test_a_store_has_the_session_of_its_team_and_one_with_people_another(narrowed: Fakes) -> None:
    stores = team_store("1"), team_store("1").also("USER#u"), Store(("USER#u",)), team_store("1").asking()
    several = Store(("TEAM#1", "TEAM#2"))
    with sessions() as begun:
        for each in (*stores, several):
            each.fetch(Thing, each.owners[0], "THING#1")

    assert [(each["RoleArn"], each["Tags"][0]["Value"]) for each in begun] == [(TENANTS, "1"), (MEMBERS, "1")]


@contextmanager
def sessions() -> Iterator[list[dict[str, Any]]]:
    """What STS is asked for."""
    made, original = list[dict[str, Any]](), BaseClient._make_api_call

    def noted(client: Any, name: str, asked: dict[str, Any]) -> Any:
        if name == "AssumeRole":
            made.append(asked)
        return original(client, name, asked)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", noted)
        yield made
