"""What the routes and forms of signing in take."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from chalicelib.platform.schema import Input

_Short = Annotated[str, StringConstraints(max_length=64)]
LONGEST = 4096
"""Characters of what a provider may send along; some put whole tokens into a code."""


def _bounded(given: str) -> str:
    """Not a bound of the schema: an address that is much longer is refused before anybody reads its parameters."""
    if len(given) > LONGEST:
        raise ValueError(f"at most {LONGEST} characters are taken")
    return given


_Long = Annotated[str, AfterValidator(_bounded)]


class LoginQuery(Input):
    """How to sign in in a browser, and where to go afterwards."""

    provider: _Short = Field(description="A name of /v1/auth/providers.")
    next: Annotated[str, StringConstraints(max_length=512)] | None = Field(
        None, description="A page of ours; any other address is not followed."
    )


class CallbackQuery(Input):
    """What a provider sends a browser back with. Providers add members of their own, which mean nothing here."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    state: _Short = ""
    code: Annotated[_Long, StringConstraints(pattern=r"^[\x20-\x7e]*$")] = ""
    error: _Short = ""
    iss: _Long | None = Field(None, description="Who answers (RFC 9207).")


class DeviceQuery(Input):
    """The code that a device shows."""

    user_code: _Short | None = Field(None, description="XXXX-XXXX.")


class Decision(Input):
    """What a person decides about a device: to approve it, to deny it, or to sign in as somebody else first."""

    user_code: _Short
    decision: Literal["approve", "deny", "leave"]
    csrf: _Short


class InvitationAnswer(Input):
    """What a person does with the link of an invitation: look at what it offers, then join."""

    token: Annotated[str, StringConstraints(max_length=600)]
    answer: Literal["look", "join"]
    csrf: _Short


class RevokeRequest(Input):
    """A token to revoke (RFC 7009), as a form or as JSON."""

    token: Annotated[str, StringConstraints(min_length=1, max_length=8192)]
    token_type_hint: _Short | None = None
    client_id: Literal["cygni-cli"] = "cygni-cli"
