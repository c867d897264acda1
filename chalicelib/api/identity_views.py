"""People, teams and credentials as the API shows them."""

from __future__ import annotations

from chalicelib.audit.schemas import line_view
from chalicelib.identity import privacy_schemas as kept
from chalicelib.identity import service as identity
from chalicelib.identity.privacy_schemas import ExportView
from chalicelib.identity.schemas import (
    ApiKeyView,
    InvitationView,
    IssuedApiKey,
    IssuedInvitation,
    MemberView,
    MyTeamView,
    OfferView,
    TeamUsage,
    TeamView,
    TrustView,
    scope_views,
)
from chalicelib.platform.settings import Settings


def team_view(team: identity.Team, settings: Settings) -> TeamView:
    """A team with what it has and may have."""
    has, most = team.usage, identity.quota_of(settings)
    usage = TeamUsage(
        projects=has.projects,
        services=has.services,
        previews=has.previews,
        most_projects=most.projects,
        most_services=most.services,
        most_previews=most.previews,
    )
    return TeamView(
        id=team.id,
        name=team.name,
        region=team.region,
        audit_retention_days=team.retention or settings.audit_retention,
        usage=usage,
        created_at=team.created_at,
        version=team.version,
    )


def my_team_view(team: identity.MyTeam) -> MyTeamView:
    """A team that the caller is in."""
    return MyTeamView(id=team.id, name=team.name, role=team.role, region=team.region, current=team.current)


def member_view(member: identity.Member) -> MemberView:
    """A member."""
    return MemberView(
        user=member.user,
        name=member.name,
        email=member.email,
        role=member.grant.role,
        scopes=scope_views(member.grant),
        joined_at=member.joined_at,
        version=member.version,
    )


def invitation_view(invitation: identity.Invitation) -> InvitationView:
    """An invitation without its link."""
    return InvitationView(
        id=invitation.id,
        role=invitation.grant.role,
        scopes=scope_views(invitation.grant),
        note=invitation.note,
        invited_by=invitation.invited_by,
        created_at=invitation.created_at,
        expires_at=invitation.valid_until,
    )


def issued_invitation(invitation: identity.Invitation) -> IssuedInvitation:
    """A new invitation with its link."""
    return IssuedInvitation(**dict(invitation_view(invitation)), link=invitation.link)


def offer_view(offer: identity.Offer) -> OfferView:
    """What an invitation offers."""
    return OfferView(
        team=offer.team,
        team_name=offer.team_name,
        role=offer.grant.role,
        scopes=scope_views(offer.grant),
        expires_at=offer.valid_until,
    )


def api_key_view(key: identity.ApiKey) -> ApiKeyView:
    """An API key without its secret."""
    return ApiKeyView(
        id=key.id,
        name=key.name,
        prefix=key.prefix,
        role=key.grant.role,
        scopes=scope_views(key.grant),
        created_by=key.created_by,
        created_at=key.created_at,
        expires_at=key.valid_until,
        last_used_at=key.last_used_at,
        old_secret_until=key.old_secret_until,
        version=key.version,
    )


def issued_api_key(key: identity.ApiKey) -> IssuedApiKey:
    """An API key with a new secret."""
    return IssuedApiKey(**dict(api_key_view(key)), key=key.key)


def trust_view(trust: identity.NamedTrust) -> TrustView:
    """A trust."""
    return TrustView(
        id=trust.id,
        name=trust.name,
        repository=trust.workflow.repository,
        repository_id=trust.workflow.repository_id,
        ref=trust.workflow.ref,
        environment=trust.workflow.environment,
        role=trust.grant.role,
        scopes=scope_views(trust.grant),
        created_by=trust.created_by,
        created_at=trust.created_at,
    )


def export_view(data: identity.Data) -> ExportView:
    """All that is kept of a person."""
    profile = data.profile
    return ExportView(
        user=data.user,
        profile=profile and kept.ProfileView(name=profile.name, email=profile.email, created_at=profile.created_at),
        logins=tuple(
            kept.LoginView(provider=each.provider, issuer=each.issuer, subject=each.subject, created_at=each.created_at)
            for each in data.logins
        ),
        teams=tuple(
            kept.PartView(
                team=each.team,
                role=each.grant.role,
                scopes=scope_views(each.grant),
                name=each.name,
                email=each.email,
                joined_at=each.joined_at,
                invitation=each.invitation,
                invited_by=each.invited_by,
            )
            for each in data.members
        ),
        past_teams=tuple(kept.PastPartView(team=each.team, left_at=each.left_at) for each in data.past),
        sessions=tuple(
            kept.KeptSessionView(
                id=each.id,
                client=each.client,
                device_name=each.device_name,
                team=each.team,
                created_at=each.created_at,
                last_used_at=each.renewed_at,
            )
            for each in data.sessions
        ),
        audit=tuple(line_view(each) for each in data.lines),
        next_cursor=data.cursor,
    )
