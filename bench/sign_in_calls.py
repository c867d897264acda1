"""What signing in costs of the store: every route of it once, from the first page to the end of the session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from chalicelib.identity.standing import NOWHERE, standing_in
from tests.fakes.github import SET_UP, FakeGitHub
from tests.support.people import sign_in
from tests.support.world import Fakes, Reply

FORM = "application/x-www-form-urlencoded"
MORE = {
    "begin_login": 1,  # what the browser comes back with is kept: a GET, since that is what OAuth sends browsers with
    "finish_login": 5,  # the sign-in and its end, who that is (made, the first time), and the browser's session
    "show_device": 3,  # who is looking, what the code stands for, and the device
    "create_device": 1,
    "decide_device": 4,  # the same three, and the decision
    "issue_token": 5,  # the device, the person, their teams, where they stand there, and the session
    "revoke_token": 4,  # the session, where its person stands, the newest line of the trail there, the end with its line
    "revoke_session": 4,
    "logout": 4,
    "answer_invitation": 4,  # who sends the form, the invitation, whether who gave it still may, and the member
}
"""Round trips that these routes may take, and why."""

Call = Callable[..., Reply]
"""(operation, method, path, query=, raw=, headers=) → the answer, counted under the operation's name."""


def tour(fakes: Fakes, call: Call) -> None:
    """Calls every route of signing in once."""
    fakes.providers.web = FakeGitHub().web()
    fakes.secrets.values[fakes.settings.sign_in_secret] = SET_UP
    begun = call("begin_login", "GET", "/v1/auth/login", query={"provider": "github"})
    state = dict(parse_qsl(urlsplit(begun.headers["location"]).query))["state"]
    cookie = begun.headers["set-cookie"].partition(";")[0]
    back = {"state": state, "code": "c"}
    finished = call("finish_login", "GET", "/v1/auth/callback", query=back, headers={"cookie": cookie})
    browser = {"cookie": finished.headers["set-cookie"].partition(";")[0]}
    device = call("create_device", "POST", "/v1/auth/device", raw="{}").json
    code = {"user_code": device["user_code"]}
    page = call("show_device", "GET", "/v1/auth/device", query=code, headers=browser).text
    csrf = page.partition('name="csrf" value="')[2].partition('"')[0]
    form = _form(**code, csrf=csrf, decision="approve")
    call("decide_device", "POST", "/v1/auth/device/decision", **form | {"headers": form["headers"] | browser})
    call("show_invitation_page", "GET", "/v1/invitations", headers=browser)
    link = call("create_invitation", "POST", "/v1/team/invitations", body={"role": "viewer"}).json["link"]
    form = _form(csrf=csrf, token=link, answer="join")
    call("answer_invitation", "POST", "/v1/invitations/answer", **form | {"headers": form["headers"] | browser})
    grant = "urn:ietf:params:oauth:grant-type:device_code"
    tokens = call("issue_token", "POST", "/v1/auth/token", **_form(grant_type=grant, device_code=device["device_code"])).json
    call("revoke_token", "POST", "/v1/auth/revoke", **_form(token=tokens["refresh_token"]))
    _sessions(fakes, call)


def _sessions(fakes: Fakes, call: Call) -> None:
    """The ends of sessions that stand in a team, whose audit trail hears of them."""
    alone = {"authorization": f"Bearer {sign_in(fakes, 'Zoe').access_token}"}
    team = call("create_team", "POST", "/v1/teams", body={"name": "zoo"}, headers=alone).json["id"]
    here = standing_in(sign_in(fakes, "Zoe").user, team) or NOWHERE
    first, second = sign_in(fakes, "Zoe", here), sign_in(fakes, "Zoe", here)
    headers = {"authorization": f"Bearer {first.access_token}"}
    call("list_sessions", "GET", "/v1/me/sessions", headers=headers)
    call("revoke_session", "DELETE", f"/v1/me/sessions/{second.session}", headers=headers)
    call("logout", "POST", "/v1/auth/logout", headers=headers)


def _form(**fields: str) -> dict[str, Any]:
    return {"raw": urlencode(fields), "headers": {"content-type": FORM}}
