"""Records of sign-ins under way, which all expire within minutes (keys: `models.py`)."""

from __future__ import annotations

from pynamodb.attributes import NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute

from chalicelib.identity.models import IdentityItem

SIGN_IN, DEVICE, CODE = "SIGNIN", "DEVICE", "CODE"


def sign_in_pk(key: str) -> str:
    """Partition of a sign-in, by the hash of its state."""
    return f"SIGNIN#{key}"


def device_pk(key: str) -> str:
    """Partition of a device's sign-in, by the hash of its device code."""
    return f"DEVICE#{key}"


def code_pk(code: str) -> str:
    """Partition of a user code."""
    return f"CODE#{code}"


class SignInRecord(IdentityItem):
    """A sign-in that a browser has begun. `binding` is the hash of what that browser keeps in a cookie."""

    provider = UnicodeAttribute()
    verifier = UnicodeAttribute()
    nonce = UnicodeAttribute()
    binding = UnicodeAttribute()
    then = UnicodeAttribute()


class DeviceRecord(IdentityItem):
    """A device that waits to be approved. `source` is the address it asked from, which the person who approves is shown.

    `session` is what it was redeemed for.
    """

    state = UnicodeAttribute()
    user_code = UnicodeAttribute()
    client = UnicodeAttribute()
    device_name = UnicodeAttribute(default="")
    source = UnicodeAttribute(default="")
    interval = NumberAttribute()
    begun_at = UTCDateTimeAttribute()
    asked_at = UTCDateTimeAttribute(null=True)
    user = UnicodeAttribute(default="")
    session = UnicodeAttribute(default="")


class CodeRecord(IdentityItem):
    """The device that a user code stands for, by the key of its record."""

    device = UnicodeAttribute()
