"""Changing the keys in their secret: once, again, at once, and when something is wrong."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from chalicelib.identity.rotation import rotate
from chalicelib.platform.errors import LostRace, NotFound, SecretsUnavailable
from tests.chalicelib.identity.builders import MINUTE, NAME, T0, Namer, Place
from tests.fakes.secrets import FakeSecrets

DAY = timedelta(days=1)


def test_the_first_rotation_makes_the_first_key() -> None:
    place = Place()

    done = place.rotate()

    assert (done.announced, done.verify) == ((), ())
    assert [key.kid for key in place.keys().keys] == [done.signs]


def test_a_rotation_that_is_not_due_writes_nothing() -> None:
    place = Place()
    place.rotate()
    before = dict(place.secrets.versions)

    place.clock.sleep(29 * DAY.total_seconds())
    place.rotate()

    assert place.secrets.versions == before


def test_a_due_rotation_announces_a_key_that_signs_a_quarter_of_an_hour_later() -> None:
    place = Place()
    first = place.rotate().signs
    place.clock.sleep(30 * DAY.total_seconds())

    due = place.rotate()
    place.clock.sleep(15 * 60)
    later = place.rotate()

    assert (due.signs, len(due.announced)) == (first, 1)
    assert (later.signs, later.announced, later.verify) == (due.announced[0], (), (first,))


class Meddled(FakeSecrets):
    """Lets somebody else rotate between a rotation's read and its write."""

    meddling = False

    def write(self, name: str, value: str, *, token: str) -> None:
        if not self.meddling:
            self.meddling = True
            rotate(self, name, T0)
        super().write(name, value, token=token)


def test_two_first_rotations_at_once_end_as_one() -> None:
    secrets = Meddled()

    done = rotate(secrets, NAME, T0)

    assert len(secrets.versions) == 1
    assert [key.kid for key in Place(secrets=secrets).keys().keys] == [done.signs]


def test_many_rotations_at_once_end_as_one() -> None:
    place, kids = Place(), []
    place.rotate()
    place.clock.sleep(30 * DAY.total_seconds())

    threads = [threading.Thread(target=lambda: kids.append(place.rotate().announced)) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert len(kids) == 8
    assert len(set(kids)) == 1
    assert len(place.secrets.versions) == 2


def test_a_revocation_is_not_lost_to_a_rotation_at_the_same_time() -> None:
    place = Place()
    first = place.rotate().signs
    place.clock.sleep(30 * DAY.total_seconds())
    outcomes: list[object] = []

    threads = [threading.Thread(target=lambda: outcomes.append(place.rotate())) for _ in range(4)]
    threads.insert(2, threading.Thread(target=lambda: outcomes.append(place.revoke(first))))
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    found = place.keys().get(first)
    assert len(outcomes) == 5
    assert found is not None
    assert found.revoked_at == place.clock.now


def test_a_store_that_never_lets_a_change_in_is_given_up() -> None:
    class Contended(FakeSecrets):
        def write(self, name: str, value: str, *, token: str) -> None:
            raise LostRace("lost")

    with pytest.raises(LostRace, match="kept changing"):
        rotate(Contended(), NAME, T0)


def test_revoking_the_signing_key_puts_another_in_its_place_and_doing_so_twice_does_it_once() -> None:
    place = Place()
    first = place.rotate().signs

    once, twice = place.revoke(first), place.revoke(first)

    assert once == twice
    assert first not in (once.signs, *once.verify)


def test_a_key_that_is_not_there_is_said_to_be_absent() -> None:
    place = Place()
    place.rotate()

    with pytest.raises(NotFound, match="no signing key"):
        place.revoke("no-such-key")


def test_keys_that_cannot_be_read_are_not_written_over() -> None:
    place = Place()
    place.secrets.values[NAME] = "not keys"

    with pytest.raises(SecretsUnavailable, match="cannot be used"):
        place.rotate()
    assert place.secrets.values[NAME] == "not keys"


def test_a_store_that_is_away_leaves_everything_as_it_was() -> None:
    place = Place()
    place.secrets.away = True

    with pytest.raises(SecretsUnavailable):
        place.rotate()
    assert not place.secrets.values


def test_what_a_rotation_tells_holds_no_private_part() -> None:
    secrets = FakeSecrets()

    assert "PRIVATE" not in repr(rotate(secrets, NAME, T0 + MINUTE, make=Namer()))
    assert "PRIVATE" in secrets.values[NAME]
