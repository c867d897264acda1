"""Records of people: who they are, how they sign in, and where they are signed in (keys: `models.py`)."""

from __future__ import annotations

from pynamodb.attributes import BinaryAttribute, JSONAttribute, UnicodeAttribute, UTCDateTimeAttribute

from chalicelib.identity.models import IdentityItem

PROFILE, LOGIN = "PROFILE", "LOGIN"
SESSIONS = "SESSION#"


def user_pk(user: str) -> str:
    """Partition of a person."""
    return f"USER#{user}"


def login_pk(key: str) -> str:
    """Partition of a login, by the hash of its issuer and subject."""
    return f"LOGIN#{key}"


def session_sk(session: str) -> str:
    """Sort key of a session."""
    return f"{SESSIONS}{session}"


class UserRecord(IdentityItem):
    """A person. `email` is empty unless a provider vouches for it; `logins` are the keys of its login records."""

    name = UnicodeAttribute()
    email = UnicodeAttribute(default="")
    logins = JSONAttribute(default=list)
    created_at = UTCDateTimeAttribute()


class LoginRecord(IdentityItem):
    """Who signs in as `subject` at `issuer`."""

    user = UnicodeAttribute()
    issuer = UnicodeAttribute()
    subject = UnicodeAttribute()
    provider = UnicodeAttribute()
    created_at = UTCDateTimeAttribute()


class SessionRecord(IdentityItem):
    """A sign-in that has not ended; named by its sort key. `digest` is of the secret that is valid now.

    `pepper` is what its refresh tokens follow from each other by; a browser's session has none, and its secret stays the same.
    """

    client = UnicodeAttribute()
    device_name = UnicodeAttribute(default="")
    team = UnicodeAttribute(default="")
    digest = UnicodeAttribute()
    pepper = BinaryAttribute(legacy_encoding=False, null=True)
    created_at = UTCDateTimeAttribute()
    renewed_at = UTCDateTimeAttribute()

    @property
    def id(self) -> str:
        """The session's id."""
        return str(self.sk).removeprefix(SESSIONS)

    @property
    def user(self) -> str:
        """Whose it is."""
        return str(self.pk).removeprefix("USER#")
