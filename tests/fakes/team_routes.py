"""The routes of the fake control plane on people, teams and sign-ins; their state is in teams.py."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from chalicelib.audit.schemas import line_view
from chalicelib.identity.rules import Grant, Role
from chalicelib.identity.schemas import (
    ChangeMember,
    ChangeTeam,
    DeviceView,
    InvitationToken,
    InvitationView,
    IssuedInvitation,
    MemberView,
    MyTeamView,
    NewDevice,
    NewInvitation,
    NewTeam,
    OfferView,
    ProviderView,
    SessionView,
    TeamView,
    TokenRequest,
    TokenView,
    TransferTeam,
    WhoamiView,
    grant_of,
    scope_views,
)
from chalicelib.platform.clock import iso
from chalicelib.platform.errors import Conflict, NotFound
from tests.fakes.answers import known, paged, shape, unchanged
from tests.fakes.sign_in import Caller, FakeSignIn

if TYPE_CHECKING:
    from tests.fakes.teams import Team


class TeamRoutes:
    """A method for each route, by the operation's name."""

    url: str
    teams: dict[str, Team]
    erased: list[str]
    sign_in: FakeSignIn

    def add_team(self, name: str, **members: str) -> Team:
        raise NotImplementedError

    def list_providers(self, _: Any) -> tuple[int, Any]:
        return 200, {"items": [shape(ProviderView, name=name, title=name.title()) for name in ("github", "google")]}

    def create_device(self, seen: Any) -> tuple[int, Any]:
        wanted = NewDevice.model_validate(seen.body)
        return 200, shape(DeviceView, **self.sign_in.begin(wanted.device_name, self.url))

    def issue_token(self, seen: Any) -> tuple[int, Any]:
        return 200, shape(TokenView, token_type="Bearer", **self.sign_in.issue(TokenRequest.model_validate(seen.body)))

    def revoke_token(self, seen: Any) -> tuple[int, Any]:
        self.sign_in.revoke(seen.body["token"])
        return 200, {}

    def whoami(self, _: Any, who: Caller) -> tuple[int, Any]:
        role = who.grant.role.value if who.grant else ""
        return 200, shape(
            WhoamiView,
            subject=who.subject,
            kind=who.kind,
            name=who.name,
            team=who.team,
            role=role,
            scopes=scope_views(who.grant),
        )

    def list_sessions(self, seen: Any, who: Caller) -> tuple[int, Any]:
        found = [
            shape(
                SessionView,
                id=each.id,
                client="cygni-cli",
                device_name=each.device_name,
                created_at=each.renewed_at,
                last_used_at=each.renewed_at,
                current=each.id == who.session,
            )
            for each in self.sign_in.sessions.values()
            if each.user == who.subject
        ]
        return 200, paged(found, seen)

    def revoke_session(self, _: Any, who: Caller, session: str) -> tuple[int, Any]:
        found = self.sign_in.sessions.get(session)
        if found is None or found.user != who.subject:
            raise NotFound("There is no session of that name.")
        self.sign_in.end(session)
        return 204, None

    def list_teams(self, seen: Any, who: Caller) -> tuple[int, Any]:
        mine = [
            _my_team(each, each.members[who.subject][0], who) for each in self.teams.values() if who.subject in each.members
        ]
        return 200, paged(mine, seen)

    def create_team(self, seen: Any, who: Caller) -> tuple[int, Any]:
        wanted = NewTeam.model_validate(seen.body)
        made = self.add_team(wanted.name)
        made.region = wanted.region or made.region
        made.members[who.subject] = (Grant(Role.OWNER), 1)
        return 201, _team(made)

    def get_team(self, _: Any, who: Caller) -> tuple[int, Any]:
        return 200, _team(self.teams[who.team])

    def change_team(self, seen: Any, who: Caller) -> tuple[int, Any]:
        wanted, team = ChangeTeam.model_validate(seen.body), self.teams[who.team]
        unchanged(seen, team.version)
        team.name, team.retention = wanted.name, wanted.audit_retention_days or team.retention
        team.version += 1
        return 200, _team(team)

    def delete_team(self, _: Any, who: Caller) -> tuple[int, Any]:
        del self.teams[who.team]
        return 204, None

    def leave_team(self, _: Any, who: Caller) -> tuple[int, Any]:
        self._refuse_last_owner(self.teams[who.team], who.subject)
        del self.teams[who.team].members[who.subject]
        return 204, None

    def transfer_team(self, seen: Any, who: Caller) -> tuple[int, Any]:
        wanted, team = TransferTeam.model_validate(seen.body), self.teams[who.team]
        team.members[wanted.user] = (Grant(Role.OWNER), 2)
        if who.subject in team.members:
            team.members[who.subject] = (Grant(Role.ADMIN), 2)
        return 200, self._member(team, wanted.user)

    def list_members(self, seen: Any, who: Caller) -> tuple[int, Any]:
        team = self.teams[who.team]
        return 200, paged([self._member(team, user) for user in team.members], seen)

    def change_member(self, seen: Any, who: Caller, user: str) -> tuple[int, Any]:
        wanted, team = ChangeMember.model_validate(seen.body), self.teams[who.team]
        _, version = known(team.members, user)
        unchanged(seen, version)
        team.members[user] = (grant_of(wanted.role, wanted.scopes), version + 1)
        return 200, self._member(team, user)

    def remove_member(self, _: Any, who: Caller, user: str) -> tuple[int, Any]:
        team = self.teams[who.team]
        known(team.members, user)
        self._refuse_last_owner(team, user)
        del team.members[user]
        return 204, None

    def create_invitation(self, seen: Any, who: Caller) -> tuple[int, Any]:
        wanted, made = NewInvitation.model_validate(seen.body), self.sign_in.make("inv")
        grant, now = grant_of(wanted.role, wanted.scopes), datetime.now(UTC)
        link = f"{self.url}/v1/invitations#{who.team[5:]}{made[4:]}_{'s' * 43}"
        view = {
            "id": made,
            "role": wanted.role,
            "scopes": scope_views(grant),
            "note": wanted.note,
            "invited_by": who.subject,
            "created_at": now,
            "expires_at": now + timedelta(hours=wanted.expires_in_hours),
        }
        self.teams[who.team].invitations[made] = {**view, "link": link, "grant": grant}
        return 201, shape(IssuedInvitation, **view, link=link)

    def list_invitations(self, seen: Any, who: Caller) -> tuple[int, Any]:
        return 200, paged([shape(InvitationView, **each) for each in self.teams[who.team].invitations.values()], seen)

    def revoke_invitation(self, _: Any, who: Caller, invitation: str) -> tuple[int, Any]:
        known(self.teams[who.team].invitations, invitation)
        del self.teams[who.team].invitations[invitation]
        return 204, None

    def get_invitation(self, seen: Any, _: Caller) -> tuple[int, Any]:
        team, invitation = self._offered(InvitationToken.model_validate(seen.body).token)
        return 200, shape(OfferView, **{**invitation, "team": team.id, "team_name": team.name})

    def accept_invitation(self, seen: Any, who: Caller) -> tuple[int, Any]:
        team, invitation = self._offered(InvitationToken.model_validate(seen.body).token)
        if who.subject in team.members:
            raise Conflict("You are a member of this team already.")
        team.members[who.subject] = (invitation["grant"], 1)
        del team.invitations[invitation["id"]]
        return 201, _my_team(team, invitation["grant"], who)

    def export_me(self, seen: Any, who: Caller) -> tuple[int, Any]:
        name, email = self.sign_in.people[who.subject]
        did = [line_view(each) for team in self.teams.values() for each in team.lines if each.line.actor == who.subject]
        page = paged([each.model_dump(mode="json") for each in did], seen)
        first = {"profile": {"name": name, "email": email, "created_at": iso(datetime.now(UTC))}, "logins": [], "teams": []}
        rest = first if "cursor" not in seen.query else {"profile": None, "logins": [], "teams": []}
        return 200, {"user": who.subject, **rest, "sessions": [], "audit": page["items"], "next_cursor": page["next_cursor"]}

    def erase_me(self, _: Any, who: Caller) -> tuple[int, Any]:
        for team in self.teams.values():
            if who.subject in team.members:
                self._refuse_last_owner(team, who.subject)
        for team in self.teams.values():
            team.members.pop(who.subject, None)
        for session in [each.id for each in self.sign_in.sessions.values() if each.user == who.subject]:
            self.sign_in.end(session)
        self.erased.append(who.subject)
        return 204, None

    def _member(self, team: Team, user: str) -> Any:
        (grant, version), (name, email) = known(team.members, user), self.sign_in.people[user]
        joined = datetime(2026, 1, 1, tzinfo=UTC)
        shown = {"user": user, "name": name, "email": email, "role": grant.role, "scopes": scope_views(grant)}
        return shape(MemberView, **shown, joined_at=joined, version=version)

    def _offered(self, token: str) -> tuple[Team, dict[str, Any]]:
        for team in self.teams.values():
            for invitation in team.invitations.values():
                if token in (invitation["link"], invitation["link"].rpartition("#")[2]):
                    return team, invitation
        raise NotFound("This invitation is not valid (any more).", remedy="Check that the link is whole.")

    @staticmethod
    def _refuse_last_owner(team: Team, user: str) -> None:
        owners = [each for each, (grant, _) in team.members.items() if grant.role is Role.OWNER]
        if owners == [user]:
            raise Conflict(f"You are the last Owner of {team.name}.", remedy="Transfer the team first: `cygni team transfer`.")


def _team(team: Team) -> Any:
    usage = dict.fromkeys(("projects", "services", "previews"), 0)
    most = {"most_projects": 20, "most_services": 100, "most_previews": 50}
    created = datetime(2026, 1, 1, tzinfo=UTC)
    shown = {"id": team.id, "name": team.name, "region": team.region, "audit_retention_days": team.retention}
    return shape(TeamView, **shown, usage={**usage, **most}, created_at=created, version=team.version)


def _my_team(team: Team, grant: Grant, who: Caller) -> Any:
    shown = {"id": team.id, "name": team.name, "role": grant.role, "region": team.region}
    return shape(MyTeamView, **shown, current=team.id == who.team)


PUBLIC = (
    ("GET", r"/runner/token", "give_job_token"),
    ("GET", r"/v1/auth/providers", "list_providers"),
    ("POST", r"/v1/auth/device", "create_device"),
    ("POST", r"/v1/auth/token", "issue_token"),
    ("POST", r"/v1/auth/revoke", "revoke_token"),
)
ROUTES = (
    ("GET", r"/v1/whoami", "whoami"),
    ("GET", r"/v1/me/sessions", "list_sessions"),
    ("DELETE", r"/v1/me/sessions/([^/]+)", "revoke_session"),
    ("GET", r"/v1/me/export", "export_me"),
    ("DELETE", r"/v1/me", "erase_me"),
    ("GET", r"/v1/teams", "list_teams"),
    ("POST", r"/v1/teams", "create_team"),
    ("GET", r"/v1/team", "get_team"),
    ("PUT", r"/v1/team", "change_team"),
    ("DELETE", r"/v1/team", "delete_team"),
    ("POST", r"/v1/team/leave", "leave_team"),
    ("POST", r"/v1/team/transfer", "transfer_team"),
    ("GET", r"/v1/team/members", "list_members"),
    ("PUT", r"/v1/team/members/([^/]+)", "change_member"),
    ("DELETE", r"/v1/team/members/([^/]+)", "remove_member"),
    ("POST", r"/v1/team/invitations", "create_invitation"),
    ("GET", r"/v1/team/invitations", "list_invitations"),
    ("DELETE", r"/v1/team/invitations/([^/]+)", "revoke_invitation"),
    ("POST", r"/v1/invitations/show", "get_invitation"),
    ("POST", r"/v1/invitations/accept", "accept_invitation"),
    ("POST", r"/v1/team/keys", "create_api_key"),
    ("GET", r"/v1/team/keys", "list_api_keys"),
    ("POST", r"/v1/team/keys/([^/]+)/rotate", "rotate_api_key"),
    ("DELETE", r"/v1/team/keys/([^/]+)", "revoke_api_key"),
    ("POST", r"/v1/team/trusts", "create_trust"),
    ("GET", r"/v1/team/trusts", "list_trusts"),
    ("DELETE", r"/v1/team/trusts/([^/]+)", "revoke_trust"),
    ("GET", r"/v1/audit", "list_audit"),
    ("GET", r"/v1/audit/export", "export_audit"),
    ("GET", r"/v1/audit/head", "get_audit_head"),
)
