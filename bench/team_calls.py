"""What teams, their members and their machines cost of the store: every route of them once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chalicelib.identity.standing import Standing, standing_in
from tests.support.people import sign_in
from tests.support.world import Fakes, Reply

MORE = {
    "create_team": 3,  # who the founder is, the teams they founded already, and the team
    "list_teams": 2,  # which teams, then what each is called and what the caller is there
    "create_invitation": 3,  # how many are open, the newest line of the trail, and the invitation
    "accept_invitation": 3,  # the invitation, whether who gave it still may, and the member
    "export_me": 8,  # the teams; of each who they are there and what they did; the profile, logins, sessions
    "delete_team": 6,  # whether it has projects, what ends with it (four lists), and its end
    "erase_me": 12,  # each team's end, the sessions, the logins, the profile; then a second look for what began meanwhile
}
"""Round trips that these routes may take, and why."""

Call = Callable[..., Reply]
"""(operation, method, path, body=, headers=) → the answer, counted under the operation's name."""


def tour(fakes: Fakes, call: Call) -> None:
    """Calls every route of teams once."""
    tour_of_one_team(call)
    _people(fakes, call)


def tour_of_one_team(call: Call) -> None:
    """Calls the routes that read and write what the team has, and nothing of its people's own."""
    call("get_team", "GET", "/v1/team")
    call("change_team", "PUT", "/v1/team", body={"name": "crew"}, headers={"if-match": '"0"'})
    call("list_members", "GET", "/v1/team/members")
    made = call("create_invitation", "POST", "/v1/team/invitations", body={"role": "viewer"}).json["id"]
    call("list_invitations", "GET", "/v1/team/invitations")
    call("revoke_invitation", "DELETE", f"/v1/team/invitations/{made}")
    made = call("create_api_key", "POST", "/v1/team/keys", body={"name": "ci", "role": "viewer"}).json["id"]
    call("list_api_keys", "GET", "/v1/team/keys")
    call("rotate_api_key", "POST", f"/v1/team/keys/{made}/rotate", body={})
    call("revoke_api_key", "DELETE", f"/v1/team/keys/{made}")
    trust = {"name": "ci", "repository": "acme/shop", "role": "viewer"}
    made = call("create_trust", "POST", "/v1/team/trusts", body=trust).json["id"]
    call("list_trusts", "GET", "/v1/team/trusts")
    call("revoke_trust", "DELETE", f"/v1/team/trusts/{made}")


def _people(fakes: Fakes, call: Call) -> None:
    """A founder, a member who is changed and removed, comes again and leaves, and both ends: of the team and of the person."""
    alone = _as(fakes, "Ada")
    team = call("create_team", "POST", "/v1/teams", body={"name": "own"}, headers=alone).json["id"]
    ada = _as(fakes, "Ada", team)
    call("list_teams", "GET", "/v1/teams", headers=ada)
    guest = _as(fakes, "Bob")
    for number, end in enumerate(("remove_member", "leave_team")):
        link = call("create_invitation", "POST", "/v1/team/invitations", body={"role": "admin"}, headers=ada).json["link"]
        call("get_invitation", "POST", "/v1/invitations/show", body={"token": link}, headers=guest)
        call("accept_invitation", "POST", "/v1/invitations/accept", body={"token": link}, headers=guest)
        user = sign_in(fakes, "Bob").user
        member = f"/v1/team/members/{user}"
        if number == 0:
            call("change_member", "PUT", member, body={"role": "viewer"}, headers=ada)
            call(end, "DELETE", member, headers=ada)
        else:
            call(end, "POST", "/v1/team/leave", headers=_as(fakes, "Bob", team))
    link = call("create_invitation", "POST", "/v1/team/invitations", body={"role": "admin"}, headers=ada).json["link"]
    call("accept_invitation", "POST", "/v1/invitations/accept", body={"token": link}, headers=guest)
    call("transfer_team", "POST", "/v1/team/transfer", body={"user": user}, headers=ada)
    call("export_me", "GET", "/v1/me/export", headers=guest)
    call("delete_team", "DELETE", "/v1/team", headers=_as(fakes, "Bob", team))
    call("erase_me", "DELETE", "/v1/me", headers=guest)


def _as(fakes: Fakes, name: str, team: str = "") -> dict[str, Any]:
    """The headers of somebody who is signed in, a moment later than whatever was before."""
    fakes.clock.sleep(1)
    standing = (standing_in(sign_in(fakes, name).user, team) if team else None) or Standing()
    return {"authorization": f"Bearer {sign_in(fakes, name, standing).access_token}"}
