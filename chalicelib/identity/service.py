"""Who is asking, and who may do what: the façade of this context."""

from __future__ import annotations

from chalicelib.identity.authentication import NOBODY, Authenticate, Authenticator
from chalicelib.identity.principal import Kind, Principal
from chalicelib.identity.rules import Grant, Role, Scope

__all__ = ["NOBODY", "Authenticate", "Authenticator", "Grant", "Kind", "Principal", "Role", "Scope"]
