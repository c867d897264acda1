"""Signing in a device that a person approves in a browser (RFC 8628)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from cygni.cli.errors import CliError, NotSignedIn, Problem, Usage
from cygni.cli.exits import Exit
from cygni.cli.identity_api import LOGIN_PAGE, TokenApi
from cygni.cli.identity_shapes import Device, Tokens

SLOWER = 5.0
"""Seconds that `slow_down` adds to the time between two requests (RFC 8628, section 3.5)."""

SLOWEST = 30.0
_DEFAULT = 5.0  # the interval where the answer names none that makes sense (section 3.2)


def wait_for_tokens(
    api: TokenApi, device: Device, *, sleep: Callable[[float], None], now: Callable[[], datetime], again: str
) -> Tokens:
    """The tokens, once somebody has approved the device. `again` is the command that would begin anew.

    An API that does not answer is asked again, less often each time. Raises NotSignedIn when it was denied, or not approved in
    time.
    """
    interval = float(device["interval"]) if device["interval"] > 0 else _DEFAULT
    ends = now() + timedelta(seconds=device["expires_in"])
    while True:
        sleep(interval)
        if now() >= ends:
            raise NotSignedIn("Nobody approved the code in time.", remedy=f"Begin again: `{again}`.")
        try:
            return api.redeem_device(device["device_code"])
        except CliError as error:
            code = error.oauth if isinstance(error, Problem) else ""
            if code == "slow_down":
                interval += SLOWER
            elif code != "authorization_pending":
                if code or error.exit_code is not Exit.UNREACHABLE:
                    raise _refused(error, code, again) from None
                interval = min(interval * 2, max(interval, SLOWEST))


def page_of(api: TokenApi, device: Device, provider: str | None) -> str:
    """The page to open: where the code is approved, by way of a provider if one is named. Raises Usage."""
    page = device["verification_uri_complete"] or device["verification_uri"]
    parts = urlsplit(page)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Usage(f"The control plane names {page!r} as the page to sign in at.", remedy="Check its address.")
    if provider is None:
        return page
    known = [each["name"] for each in api.providers()]
    if provider not in known:
        raise Usage(f"There is no provider {provider!r}.", remedy=f"Choose one of: {', '.join(known) or 'none is set up'}.")
    then = urlunsplit(("", "", parts.path, parts.query, ""))
    query = urlencode({"provider": provider, "next": then}, quote_via=quote)
    return urlunsplit((parts.scheme, parts.netloc, LOGIN_PAGE, query, ""))


def _refused(error: CliError, code: str, again: str) -> CliError:
    if code == "access_denied":
        return NotSignedIn("The sign-in was denied in the browser.", remedy=f"If that was not meant, begin again: `{again}`.")
    if code == "expired_token":
        return NotSignedIn("Nobody approved the code in time.", remedy=f"Begin again: `{again}`.")
    if code:
        return NotSignedIn(error.message, remedy=f"Begin again: `{again}`.")
    return error
