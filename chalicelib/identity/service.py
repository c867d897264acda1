"""Who is asking, who may do what, what a team has, and how people, devices and jobs sign in: the façade of this context."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from chalicelib.identity.asked import Asked
from chalicelib.identity.authentication import NOBODY, Authenticate, Authenticator
from chalicelib.identity.authority import check
from chalicelib.identity.livekeys import LiveKeys
from chalicelib.identity.minting import EXPIRES_IN
from chalicelib.identity.principal import Kind, Principal
from chalicelib.identity.rules import Grant, Role, Scope
from chalicelib.identity.usage import Room, Usage, give_back, quota_of, room_for

if TYPE_CHECKING:
    from chalicelib.identity.apikeys import ApiKey, create_api_key, list_api_keys, revoke_api_key, rotate_api_key
    from chalicelib.identity.devices import Device, Started
    from chalicelib.identity.devices import decide as decide_device
    from chalicelib.identity.devices import find as find_device
    from chalicelib.identity.devices import start as start_device
    from chalicelib.identity.grants import Issued, Issuing
    from chalicelib.identity.grants import issue as issue_tokens
    from chalicelib.identity.grants import revoke as revoke_token
    from chalicelib.identity.invitations import (
        Invitation,
        Offer,
        accept_invitation,
        create_invitation,
        get_offer,
        list_invitations,
        revoke_invitation,
    )
    from chalicelib.identity.members import (
        Member,
        change_member,
        leave_team,
        list_members,
        refresh_names,
        remove_member,
        transfer_team,
    )
    from chalicelib.identity.privacy import Data, erase_person, export_person
    from chalicelib.identity.providers import Provider, Providers, Web
    from chalicelib.identity.sessions import Session, Visitor, end_session, list_sessions, open_browser, person_of, visitor
    from chalicelib.identity.signin import Begun, Returned
    from chalicelib.identity.signin import begin as begin_sign_in
    from chalicelib.identity.signin import finish as finish_sign_in
    from chalicelib.identity.team_removal import delete_team
    from chalicelib.identity.teams import MyTeam, Team, change_team, create_team, get_team, list_teams
    from chalicelib.identity.trusts import NamedTrust, Workflow, create_trust, list_trusts, matching_grant, revoke_trust

__all__ = [
    "EXPIRES_IN",
    "NOBODY",
    "ApiKey",
    "Asked",
    "Authenticate",
    "Authenticator",
    "Begun",
    "Data",
    "Device",
    "Grant",
    "Invitation",
    "Issued",
    "Issuing",
    "Kind",
    "LiveKeys",
    "Member",
    "MyTeam",
    "NamedTrust",
    "Offer",
    "Principal",
    "Provider",
    "Providers",
    "Returned",
    "Role",
    "Room",
    "Scope",
    "Session",
    "Started",
    "Team",
    "Usage",
    "Visitor",
    "Web",
    "Workflow",
    "accept_invitation",
    "begin_sign_in",
    "change_member",
    "change_team",
    "check",
    "create_api_key",
    "create_invitation",
    "create_team",
    "create_trust",
    "decide_device",
    "delete_team",
    "end_session",
    "erase_person",
    "export_person",
    "find_device",
    "finish_sign_in",
    "get_offer",
    "get_team",
    "give_back",
    "issue_tokens",
    "leave_team",
    "list_api_keys",
    "list_invitations",
    "list_members",
    "list_sessions",
    "list_teams",
    "list_trusts",
    "matching_grant",
    "open_browser",
    "person_of",
    "quota_of",
    "refresh_names",
    "remove_member",
    "revoke_api_key",
    "revoke_invitation",
    "revoke_token",
    "revoke_trust",
    "room_for",
    "rotate_api_key",
    "start_device",
    "transfer_team",
    "visitor",
]


_LATER = {
    "ApiKey": ("apikeys", "ApiKey"),
    "Begun": ("signin", "Begun"),
    "Data": ("privacy", "Data"),
    "Device": ("devices", "Device"),
    "Invitation": ("invitations", "Invitation"),
    "Issued": ("grants", "Issued"),
    "Issuing": ("grants", "Issuing"),
    "Member": ("members", "Member"),
    "MyTeam": ("teams", "MyTeam"),
    "NamedTrust": ("trusts", "NamedTrust"),
    "Offer": ("invitations", "Offer"),
    "Provider": ("providers", "Provider"),
    "Providers": ("providers", "Providers"),
    "Returned": ("signin", "Returned"),
    "Session": ("sessions", "Session"),
    "Started": ("devices", "Started"),
    "Team": ("teams", "Team"),
    "Visitor": ("sessions", "Visitor"),
    "Web": ("providers", "Web"),
    "Workflow": ("trusts", "Workflow"),
    "accept_invitation": ("invitations", "accept_invitation"),
    "begin_sign_in": ("signin", "begin"),
    "change_member": ("members", "change_member"),
    "change_team": ("teams", "change_team"),
    "create_api_key": ("apikeys", "create_api_key"),
    "create_invitation": ("invitations", "create_invitation"),
    "create_team": ("teams", "create_team"),
    "create_trust": ("trusts", "create_trust"),
    "decide_device": ("devices", "decide"),
    "delete_team": ("team_removal", "delete_team"),
    "end_session": ("sessions", "end_session"),
    "erase_person": ("privacy", "erase_person"),
    "export_person": ("privacy", "export_person"),
    "find_device": ("devices", "find"),
    "finish_sign_in": ("signin", "finish"),
    "get_offer": ("invitations", "get_offer"),
    "get_team": ("teams", "get_team"),
    "issue_tokens": ("grants", "issue"),
    "leave_team": ("members", "leave_team"),
    "list_api_keys": ("apikeys", "list_api_keys"),
    "list_invitations": ("invitations", "list_invitations"),
    "list_members": ("members", "list_members"),
    "list_sessions": ("sessions", "list_sessions"),
    "list_teams": ("teams", "list_teams"),
    "list_trusts": ("trusts", "list_trusts"),
    "matching_grant": ("trusts", "matching_grant"),
    "open_browser": ("sessions", "open_browser"),
    "person_of": ("sessions", "person_of"),
    "refresh_names": ("members", "refresh_names"),
    "remove_member": ("members", "remove_member"),
    "revoke_api_key": ("apikeys", "revoke_api_key"),
    "revoke_invitation": ("invitations", "revoke_invitation"),
    "revoke_token": ("grants", "revoke"),
    "revoke_trust": ("trusts", "revoke_trust"),
    "rotate_api_key": ("apikeys", "rotate_api_key"),
    "start_device": ("devices", "start"),
    "transfer_team": ("members", "transfer_team"),
    "visitor": ("sessions", "visitor"),
}
"""What a request of another resource does not need, by the module that it is loaded with at first use."""


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, known_as = _LATER[name]
    return getattr(import_module(f"chalicelib.identity.{module}"), known_as)
