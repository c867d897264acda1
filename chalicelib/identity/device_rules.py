"""Signing in a device by a code that a person types elsewhere (RFC 8628). Pure.

A sign-in waits, then it is approved or denied by a person, then it is redeemed by the device: once. Whatever comes twice after
that is somebody who should not have the device's code, and ends the session that it gave.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from enum import Enum, StrEnum

from chalicelib.platform.frozen import dataclass

LIFE = timedelta(minutes=10)
SLOWER = timedelta(seconds=5)
"""What a device that asks too often has to wait longer, each time (RFC 8628, section 3.5)."""

EARLY = 0.8
"""The part of the interval after which a request is not yet too early: networks deliver unevenly."""

ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
"""Letters of user codes (RFC 8628, section 6.1): no vowels, so no words, and none that look alike."""

LETTERS = 8
"""20 to the 8th is 25 billion codes, each valid for `LIFE`."""

_NOT_LETTER = re.compile(r"[\s-]+")


class State(StrEnum):
    """How far the sign-in of a device has come."""

    WAITING = "waiting"
    APPROVED = "approved"
    DENIED = "denied"
    REDEEMED = "redeemed"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A device's sign-in. `asked_at` is when it last asked for its tokens."""

    state: State
    interval: timedelta
    begun_at: datetime
    asked_at: datetime | None = None

    @property
    def ends_at(self) -> datetime:
        """When it is over if nobody approves it."""
        return self.begun_at + LIFE


class Answer(Enum):
    """What a device that asks for its tokens is told; values are the error codes of RFC 8628, section 3.5."""

    PENDING = "authorization_pending"
    SLOW_DOWN = "slow_down"
    DENIED = "access_denied"
    EXPIRED = "expired_token"
    TOKENS = "tokens"
    TAKEN_TWICE = "invalid_grant"


def asked(waiting: Waiting, now: datetime) -> tuple[Waiting, Answer]:
    """What a request for the tokens is answered, and the sign-in after it."""
    if waiting.state is State.REDEEMED:
        return waiting, Answer.TAKEN_TWICE
    if now >= waiting.ends_at:
        return waiting, Answer.EXPIRED
    if waiting.state is State.DENIED:
        return waiting, Answer.DENIED
    if waiting.asked_at is not None and now - waiting.asked_at < waiting.interval * EARLY:
        return replace(waiting, interval=waiting.interval + SLOWER, asked_at=now), Answer.SLOW_DOWN
    if waiting.state is State.APPROVED:
        return replace(waiting, state=State.REDEEMED, asked_at=now), Answer.TOKENS
    return replace(waiting, asked_at=now), Answer.PENDING


def user_code(numbers: tuple[int, ...]) -> str:
    """The code for LETTERS numbers below 20, as people read it: XXXX-XXXX."""
    letters = "".join(ALPHABET[number] for number in numbers)
    return f"{letters[:4]}-{letters[4:]}"


def read_user_code(text: str) -> str | None:
    """The code that somebody typed, in whatever case and with or without its hyphen; None when it is none."""
    letters = _NOT_LETTER.sub("", text).upper()
    if len(letters) != LETTERS or not set(letters) <= set(ALPHABET):
        return None
    return f"{letters[:4]}-{letters[4:]}"
