"""Who is asking, who may do what, and how people, devices and jobs sign in: the façade of this context."""

from __future__ import annotations

from chalicelib.identity.asked import Asked
from chalicelib.identity.authentication import NOBODY, Authenticate, Authenticator
from chalicelib.identity.devices import Device, Started
from chalicelib.identity.devices import decide as decide_device
from chalicelib.identity.devices import find as find_device
from chalicelib.identity.devices import start as start_device
from chalicelib.identity.grants import Issued, Issuing
from chalicelib.identity.grants import issue as issue_tokens
from chalicelib.identity.grants import revoke as revoke_token
from chalicelib.identity.livekeys import LiveKeys
from chalicelib.identity.minting import EXPIRES_IN
from chalicelib.identity.principal import Kind, Principal
from chalicelib.identity.providers import Provider, Providers, Web
from chalicelib.identity.rules import Grant, Role, Scope
from chalicelib.identity.sessions import Session, Visitor, end_session, list_sessions, open_browser, visitor
from chalicelib.identity.signin import Begun, Returned
from chalicelib.identity.signin import begin as begin_sign_in
from chalicelib.identity.signin import finish as finish_sign_in

__all__ = [
    "EXPIRES_IN",
    "NOBODY",
    "Asked",
    "Authenticate",
    "Authenticator",
    "Begun",
    "Device",
    "Grant",
    "Issued",
    "Issuing",
    "Kind",
    "LiveKeys",
    "Principal",
    "Provider",
    "Providers",
    "Returned",
    "Role",
    "Scope",
    "Session",
    "Started",
    "Visitor",
    "Web",
    "begin_sign_in",
    "decide_device",
    "end_session",
    "find_device",
    "finish_sign_in",
    "issue_tokens",
    "list_sessions",
    "open_browser",
    "revoke_token",
    "start_device",
    "visitor",
]
