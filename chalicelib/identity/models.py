"""Records of people, teams and credentials.

In the table `cygni`, whose keys all begin with a team (`models_teams.py`):

| access pattern              | pk        | sk                    | kept true by                                       |
| --------------------------- | --------- | --------------------- | -------------------------------------------------- |
| a team                      | TEAM#<t>  | TEAM                  | every change: version                              |
| what a team has used up     | TEAM#<t>  | USAGE                 | counted in the commit of what is created or gone   |
| a team's members            | TEAM#<t>  | begins with MEMBER#   |                                                    |
| one member                  | TEAM#<t>  | MEMBER#<user>         | with the user's own entry, in one transaction      |
| a team's invitations        | TEAM#<t>  | begins with INVITE#   | accepted once: version                             |
| a team's API keys           | TEAM#<t>  | begins with KEY#      | every change: version                              |
| a team's trusts             | TEAM#<t>  | begins with TRUST#    | every change: version                              |

In the table `cygni-identity`, what precedes any team (`IdentityItem`), whose keys begin with whom it belongs to (people and
sessions are in `models_people.py`, sign-ins under way in `models_signin.py`):

| access pattern              | pk                    | sk                | kept true by                                  |
| --------------------------- | --------------------- | ----------------- | --------------------------------------------- |
| one user                    | USER#<u>              | PROFILE           | every change: version                         |
| a user's teams              | USER#<u>              | begins with TEAM# | with the team's member, in one transaction    |
| teams that a user was in    | USER#<u>              | begins with PAST# | with the member's end; expires                |
| a user's sessions           | USER#<u>              | begins with SESSION# | every refresh: version                     |
| who signs in so             | LOGIN#<issuer+subject> | LOGIN            | must be absent                                |
| a sign-in under way         | SIGNIN#<hash of state> | SIGNIN           | taken once: deleted under a condition         |
| a device's sign-in          | DEVICE#<hash of code> | DEVICE            | every change: version                         |
| the device of a user code   | CODE#<user code>      | CODE              | must be absent                                |
| requests of a minute        | LIMIT#<hash>          | <minute>          | counted                                       |
"""

from __future__ import annotations

from pynamodb.attributes import TTLAttribute, VersionAttribute

from chalicelib.platform.table import Item

IDENTITY_TABLE = "cygni-identity"


class IdentityItem(Item):
    """Base of what is kept of people and sign-ins; most of it expires."""

    class Meta:
        """Where it lives."""

        table_name = IDENTITY_TABLE

    version = VersionAttribute()
    expires_at = TTLAttribute(null=True)

    def __repr__(self) -> str:
        """The kind alone: what such a record holds is personal, or secret."""
        return f"{type(self).__name__}(…)"
