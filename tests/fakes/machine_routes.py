"""The routes of the fake control plane on API keys, trusted workflows and audit trails; their state is in teams.py."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from chalicelib.audit.rules import GENESIS
from chalicelib.audit.schemas import AuditQuery, ExportQuery, HeadView, line_view
from chalicelib.identity.machine_schemas import (
    ApiKeyView,
    IssuedApiKey,
    NewApiKey,
    NewTrust,
    RotateApiKey,
    TrustView,
)
from chalicelib.identity.schemas import grant_of, scope_views
from chalicelib.platform.errors import Unauthenticated
from tests.fakes.answers import PAGE, known, paged, shape
from tests.fakes.sign_in import Caller, FakeSignIn

if TYPE_CHECKING:
    from tests.fakes.teams import Team

RUNNER_SECRET = "secret-of-the-runner"


class MachineRoutes:
    """A method for each route, by the operation's name."""

    url: str
    teams: dict[str, Team]
    sign_in: FakeSignIn
    job: Caller | None

    def give_job_token(self, seen: Any) -> tuple[int, Any]:
        """What a runner of GitHub Actions does: a token for the job it runs, for the audience that it is asked for."""
        if seen.headers.get("authorization") != f"Bearer {RUNNER_SECRET}":
            raise Unauthenticated("This is not the job's.")
        made = self.sign_in.make("job")
        if self.job is not None and seen.query.get("audience") == self.url:
            self.sign_in.jobs[made] = self.job
        return 200, {"value": made}

    def create_api_key(self, seen: Any, who: Caller) -> tuple[int, Any]:
        wanted, made, now = NewApiKey.model_validate(seen.body), self.sign_in.make("key"), datetime.now(UTC)
        grant = grant_of(wanted.role, wanted.scopes)
        view = {
            "id": made,
            "name": wanted.name,
            "prefix": f"cyg_{who.team[5:]}{made[4:]}",
            "role": wanted.role,
            "scopes": scope_views(grant),
            "created_by": who.subject,
            "created_at": now,
            "expires_at": now + timedelta(days=wanted.expires_in_days),
            "last_used_at": None,
            "old_secret_until": None,
            "version": 1,
        }
        self.teams[who.team].keys[made] = view
        return 201, self._issued(view, Caller(made, "key", wanted.name, who.team, grant))

    def list_api_keys(self, seen: Any, who: Caller) -> tuple[int, Any]:
        return 200, paged([shape(ApiKeyView, **each) for each in self.teams[who.team].keys.values()], seen)

    def rotate_api_key(self, seen: Any, who: Caller, key: str) -> tuple[int, Any]:
        wanted, view = RotateApiKey.model_validate(seen.body), known(self.teams[who.team].keys, key)
        view["old_secret_until"] = datetime.now(UTC) + timedelta(hours=wanted.overlap_hours) if wanted.overlap_hours else None
        view["version"] += 1
        caller = next(each for each in self.sign_in.keys.values() if each.subject == key)
        return 200, self._issued(view, caller)

    def revoke_api_key(self, _: Any, who: Caller, key: str) -> tuple[int, Any]:
        known(self.teams[who.team].keys, key)
        del self.teams[who.team].keys[key]
        self.sign_in.keys = {secret: each for secret, each in self.sign_in.keys.items() if each.subject != key}
        return 204, None

    def create_trust(self, seen: Any, who: Caller) -> tuple[int, Any]:
        wanted, made = NewTrust.model_validate(seen.body), self.sign_in.make("tru")
        grant = grant_of(wanted.role, wanted.scopes)
        view = {**wanted.model_dump(), "id": made, "scopes": scope_views(grant), "created_by": who.subject}
        self.teams[who.team].trusts[made] = {**view, "created_at": datetime.now(UTC)}
        return 201, shape(TrustView, **self.teams[who.team].trusts[made])

    def list_trusts(self, seen: Any, who: Caller) -> tuple[int, Any]:
        return 200, paged([shape(TrustView, **each) for each in self.teams[who.team].trusts.values()], seen)

    def revoke_trust(self, _: Any, who: Caller, trust: str) -> tuple[int, Any]:
        known(self.teams[who.team].trusts, trust)
        del self.teams[who.team].trusts[trust]
        return 204, None

    def list_audit(self, seen: Any, who: Caller) -> tuple[int, Any]:
        return 200, self._lines(AuditQuery.model_validate_strings(seen.query), who)

    def export_audit(self, seen: Any, who: Caller) -> tuple[int, Any]:
        return 200, self._lines(ExportQuery.model_validate_strings(seen.query), who)

    def get_audit_head(self, _: Any, who: Caller) -> tuple[int, Any]:
        lines = self.teams[who.team].lines
        seq, digest = (lines[-1].line.seq, lines[-1].digest) if lines else (0, GENESIS)
        return 200, shape(HeadView, team=who.team, seq=seq, digest=digest)

    def _issued(self, view: dict[str, Any], caller: Caller) -> Any:
        key = f"{view['prefix']}_{self.sign_in.make('s')[-20:]:_>43}"
        self.sign_in.keys[key] = caller
        return shape(IssuedApiKey, **view, key=key)

    def _lines(self, asked: AuditQuery, who: Caller) -> Any:
        wanted = asked.filter()
        kept = [each for each in reversed(self.teams[who.team].lines) if wanted.takes(each)]
        begin = int(asked.cursor or 0)
        page = [line_view(each).model_dump(mode="json") for each in kept[begin : begin + PAGE]]
        return {"items": page, "next_cursor": str(begin + PAGE) if begin + PAGE < len(kept) else None}
