"""People, teams and credentials as the API shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.identity import service as identity
from chalicelib.platform.late import late
from chalicelib.platform.settings import Settings

if TYPE_CHECKING:
    from chalicelib.audit import schemas as audit_shapes
    from chalicelib.identity import machine_schemas as machine_shapes
    from chalicelib.identity import privacy_schemas as privacy_shapes
    from chalicelib.identity import schemas as identity_shapes
else:
    audit_shapes = late("chalicelib.audit.schemas")
    machine_shapes = late("chalicelib.identity.machine_schemas")
    privacy_shapes = late("chalicelib.identity.privacy_schemas")
    identity_shapes = late("chalicelib.identity.schemas")


def team_view(team: identity.Team, settings: Settings) -> identity_shapes.TeamView:
    """A team with what it has and may have."""
    has, most = team.usage, identity.quota_of(settings)
    usage = identity_shapes.TeamUsage(
        projects=has.projects,
        services=has.services,
        previews=has.previews,
        most_projects=most.projects,
        most_services=most.services,
        most_previews=most.previews,
    )
    return identity_shapes.TeamView(
        id=team.id,
        name=team.name,
        region=team.region,
        audit_retention_days=team.retention or settings.audit_retention,
        usage=usage,
        created_at=team.created_at,
        version=team.version,
    )


def my_team_view(team: identity.MyTeam) -> identity_shapes.MyTeamView:
    """A team that the caller is in."""
    return identity_shapes.MyTeamView(id=team.id, name=team.name, role=team.role, region=team.region, current=team.current)


def member_view(member: identity.Member) -> identity_shapes.MemberView:
    """A member."""
    return identity_shapes.MemberView(
        user=member.user,
        name=member.name,
        email=member.email,
        role=member.grant.role,
        scopes=identity_shapes.scope_views(member.grant),
        joined_at=member.joined_at,
        version=member.version,
    )


def invitation_view(invitation: identity.Invitation) -> identity_shapes.InvitationView:
    """An invitation without its link."""
    return identity_shapes.InvitationView(
        id=invitation.id,
        role=invitation.grant.role,
        scopes=identity_shapes.scope_views(invitation.grant),
        note=invitation.note,
        invited_by=invitation.invited_by,
        created_at=invitation.created_at,
        expires_at=invitation.valid_until,
    )


def issued_invitation(invitation: identity.Invitation) -> identity_shapes.IssuedInvitation:
    """A new invitation with its link."""
    return identity_shapes.IssuedInvitation(**dict(invitation_view(invitation)), link=invitation.link)


def offer_view(offer: identity.Offer) -> identity_shapes.OfferView:
    """What an invitation offers."""
    return identity_shapes.OfferView(
        team=offer.team,
        team_name=offer.team_name,
        role=offer.grant.role,
        scopes=identity_shapes.scope_views(offer.grant),
        expires_at=offer.valid_until,
    )


def api_key_view(key: identity.ApiKey) -> machine_shapes.ApiKeyView:
    """An API key without its secret."""
    return machine_shapes.ApiKeyView(
        id=key.id,
        name=key.name,
        prefix=key.prefix,
        role=key.grant.role,
        scopes=identity_shapes.scope_views(key.grant),
        created_by=key.created_by,
        created_at=key.created_at,
        expires_at=key.valid_until,
        last_used_at=key.last_used_at,
        old_secret_until=key.old_secret_until,
        version=key.version,
    )


def issued_api_key(key: identity.ApiKey) -> machine_shapes.IssuedApiKey:
    """An API key with a new secret."""
    return machine_shapes.IssuedApiKey(**dict(api_key_view(key)), key=key.key)


def trust_view(trust: identity.NamedTrust) -> machine_shapes.TrustView:
    """A trust."""
    return machine_shapes.TrustView(
        id=trust.id,
        name=trust.name,
        repository=trust.workflow.repository,
        repository_id=trust.workflow.repository_id,
        ref=trust.workflow.ref,
        environment=trust.workflow.environment,
        role=trust.grant.role,
        scopes=identity_shapes.scope_views(trust.grant),
        created_by=trust.created_by,
        created_at=trust.created_at,
    )


def export_view(data: identity.Data) -> privacy_shapes.ExportView:
    """All that is kept of a person."""
    profile = data.profile
    return privacy_shapes.ExportView(
        user=data.user,
        profile=profile and privacy_shapes.ProfileView(name=profile.name, email=profile.email, created_at=profile.created_at),
        logins=tuple(
            privacy_shapes.LoginView(
                provider=each.provider, issuer=each.issuer, subject=each.subject, created_at=each.created_at
            )
            for each in data.logins
        ),
        teams=tuple(
            privacy_shapes.PartView(
                team=each.team,
                role=each.grant.role,
                scopes=identity_shapes.scope_views(each.grant),
                name=each.name,
                email=each.email,
                joined_at=each.joined_at,
                invitation=each.invitation,
                invited_by=each.invited_by,
            )
            for each in data.members
        ),
        past_teams=tuple(privacy_shapes.PastPartView(team=each.team, left_at=each.left_at) for each in data.past),
        sessions=tuple(
            privacy_shapes.KeptSessionView(
                id=each.id,
                client=each.client,
                device_name=each.device_name,
                team=each.team,
                created_at=each.created_at,
                last_used_at=each.renewed_at,
            )
            for each in data.sessions
        ),
        audit=tuple(audit_shapes.line_view(each) for each in data.lines),
        next_cursor=data.cursor,
    )
