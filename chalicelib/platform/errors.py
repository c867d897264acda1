"""Every error Cygni raises on purpose, in one tree.

    CygniError
    ├── Refused                 the caller asked for something that cannot be; the same call fails again
    │   ├── Malformed           the request is not well-formed (JSON, header, cursor)
    │   ├── InvalidInput        well-formed, but a field breaks a rule; `fields` names each
    │   ├── Unauthenticated     no valid credential
    │   ├── Forbidden           a valid credential without the right
    │   ├── NotFound            absent, or another tenant's: both answer alike
    │   ├── MethodNotAllowed    the path exists, the method does not
    │   ├── Conflict            the present state forbids it
    │   │   ├── KeyReused       an Idempotency-Key came again with another body
    │   │   └── QuotaExceeded   the team has as many of these as it may
    │   ├── WrongRegion         the team's data lives in another region, which another address serves
    │   ├── StaleVersion        `If-Match` names a version that is no longer the newest
    │   ├── TooLarge            over a stated limit
    │   ├── SignInRefused       a sign-in in the browser is over, was used, or is not this browser's
    │   ├── GrantRefused        the token endpoint gives no tokens for what was sent
    │   └── ProviderRefused     a sign-in provider said no, or something that cannot be trusted
    ├── Transient               the same call may pass later; docs/faults.md says who tries it again
    │   ├── LostRace            another writer was first; load again and decide again
    │   ├── Throttled           a service we depend on asked us to slow down
    │   ├── RateLimited         the caller makes too many requests; says when to come again
    │   ├── ClusterUnavailable  the cluster's API did not answer, or answered 5xx
    │   │   └── ClusterDown     it did not answer for a while, and was not asked again yet
    │   ├── MetricsUnavailable  the traffic metrics could not be read
    │   ├── BuildersBusy        as many builds run as may; a workflow waits for its turn
    │   ├── SecretsUnavailable  a secret of Cygni's own could not be read or written
    │   ├── RegionPassive       another region acts, or this one takes over in a moment
    │   └── ProviderUnavailable a sign-in provider did not answer, or its answer makes no sense
    └── Failed                  work that was accepted and ended badly; final
        ├── SourceRefused       the uploaded archive is unsafe or unreadable
        ├── AppFileRefused      cygni.yaml breaks a rule; says the line
        ├── BuildRefused        no way to build this source was found; says why
        ├── BuildFailed         the build ran and failed
        ├── NotReady            the release never became ready; says what its process said
        ├── RolledBack          the rollout ended on the stable version
        └── MigrationFailed     a record of an older release cannot be changed; says which

An error knows nothing of HTTP, AWS or the terminal: each edge maps it in one place. `code` is stable and is what callers
may branch on; `remedy` is one sentence that tells the caller what to do next. The class name is the error's name in
state machines.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from chalicelib.platform.frozen import dataclass


@dataclass(frozen=True, slots=True)
class FieldError:
    """One broken rule: `field` is a dotted path (`spec.port`), `message` says what is wrong, `remedy` what to write.

    `line` and `column`, from 1, say where, when the input is a text that somebody wrote.
    """

    field: str
    message: str
    remedy: str = ""
    line: int | None = None
    column: int | None = None


class CygniError(Exception):
    """Base of all errors raised on purpose. `message` is for people, `remedy` says what to do next."""

    code: ClassVar[str] = "error"
    default_remedy: ClassVar[str] = ""

    def __init__(self, message: str, *, remedy: str = "", fields: Sequence[FieldError] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy or self.default_remedy
        self.fields = tuple(fields)


class Refused(CygniError):
    """The caller's request cannot be met; repeating it unchanged fails again."""

    code = "refused"


class Malformed(Refused):
    """The request is not well-formed."""

    code = "malformed"
    default_remedy = "Send the request in the form the OpenAPI document at /v1/openapi.json describes."


class InvalidInput(Refused):
    """A well-formed request with a field that breaks a rule."""

    code = "invalid-input"
    default_remedy = "Correct the named fields and send the request again."


class Unauthenticated(Refused):
    """No valid credential came with the request."""

    code = "unauthenticated"
    default_remedy = "Send a valid API key as `Authorization: Bearer <key>`."


class Forbidden(Refused):
    """The credential is valid but does not grant this."""

    code = "forbidden"
    default_remedy = "Ask an Owner or Admin of the team for the right."


class NotFound(Refused):
    """Absent, or not the caller's: both answer alike."""

    code = "not-found"
    default_remedy = "Check the names in the path; list the parent to see what exists."


class MethodNotAllowed(Refused):
    """The path exists but does not take this method."""

    code = "method-not-allowed"
    default_remedy = "Use a method that the OpenAPI document lists for this path."


class Conflict(Refused):
    """The present state of the resource forbids the request."""

    code = "conflict"
    default_remedy = "Read the resource again and decide anew."


class KeyReused(Conflict):
    """An Idempotency-Key was sent a second time with a different request."""

    code = "idempotency-key-reused"
    default_remedy = "Use a new Idempotency-Key for a new request."


class QuotaExceeded(Conflict):
    """The team has as many of these as it may."""

    code = "quota-exceeded"
    default_remedy = "Delete what is not needed, or ask the operator of this installation to raise the quota."


class WrongRegion(Refused):
    """The team's data lives in another region."""

    code = "wrong-region"
    default_remedy = "Use the address of the team's own region."


class StaleVersion(Refused):
    """`If-Match` names a version that is no longer the newest."""

    code = "stale-version"
    default_remedy = "Read the resource again, apply your change to it, and send its new ETag as If-Match."


class TooLarge(Refused):
    """Over a stated limit."""

    code = "too-large"


class SignInRefused(Refused):
    """A sign-in in the browser is over, was used already, or was begun in another browser: which of them is not said."""

    code = "sign-in-refused"
    default_remedy = "Begin again, in one browser and within ten minutes; a link of a sign-in works once."


class GrantRefused(Refused):
    """The token endpoint gives no tokens for what was sent.

    `reason` is OAuth's code for it (RFC 6749, section 5.2; RFC 8628, section 3.5).
    """

    code = "grant-refused"
    default_remedy = "Sign in again: `cygni login`."

    def __init__(self, message: str, *, reason: str, remedy: str = "", fields: Sequence[FieldError] = ()) -> None:
        super().__init__(message, remedy=remedy, fields=fields)
        self.reason = reason


class ProviderRefused(Refused):
    """A sign-in provider said no, or said something that cannot be trusted.

    `reason` is the provider's own code, such as OAuth's `authorization_pending`, or empty when it gave none.
    """

    code = "provider-refused"
    default_remedy = "Start to sign in again; if it stays so, check how this provider is set up."

    def __init__(self, message: str, *, reason: str = "", remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.reason = reason


class Transient(CygniError):
    """The same call may pass later."""

    code = "transient"
    default_remedy = "Try again in a few seconds."


class LostRace(Transient):
    """Another writer was first."""

    code = "lost-race"


class Throttled(Transient):
    """A service Cygni depends on asked to slow down."""

    code = "throttled"


class RateLimited(Transient):
    """The caller makes more requests than it may."""

    code = "rate-limited"
    default_remedy = "Wait as long as Retry-After says, then go on more slowly."

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ClusterUnavailable(Transient):
    """The cluster's API did not answer, or answered with a server error."""

    code = "cluster-unavailable"


class ClusterDown(ClusterUnavailable):
    """The cluster's API gave no answer for a while, and is not asked before its next try."""

    code = "cluster-down"
    default_remedy = "Wait: it is asked again within a minute. `cygni clusters check` asks at once."


class MetricsUnavailable(Transient):
    """The traffic metrics could not be read."""

    code = "metrics-unavailable"


class BuildersBusy(Transient):
    """As many builds run as may run at the same time."""

    code = "builders-busy"
    default_remedy = "Wait until one has ended, or raise how many builds may run at the same time."


class SecretsUnavailable(Transient):
    """A secret of Cygni's own could not be read or written."""

    code = "secrets-unavailable"


class RegionPassive(Transient):
    """Another region of this installation acts."""

    code = "region-passive"
    default_remedy = "Use the installation's own address, which leads to the region that acts; it follows within minutes."


class ProviderUnavailable(Transient):
    """A sign-in provider did not answer, or its answer makes no sense."""

    code = "provider-unavailable"


class Failed(CygniError):
    """Accepted work that ended badly; final."""

    code = "failed"


class SourceRefused(Failed):
    """The uploaded archive is unsafe or unreadable."""

    code = "source-refused"


class AppFileRefused(Failed):
    """`cygni.yaml` breaks a rule."""

    code = "app-file-refused"
    default_remedy = "Correct the named lines of cygni.yaml and deploy again."


class BuildRefused(Failed):
    """No way to build the source was found."""

    code = "build-refused"


class BuildFailed(Failed):
    """The build ran and failed."""

    code = "build-failed"
    default_remedy = "Read the build log, correct the source, and deploy again."


class NotReady(Failed):
    """The release never became ready."""

    code = "not-ready"


class RolledBack(Failed):
    """The rollout ended with the stable version at full weight."""

    code = "rolled-back"


class MigrationFailed(Failed):
    """A record cannot be changed as a migration wants it. Nothing was changed since the page before."""

    code = "migration-failed"
    default_remedy = "Look at the named record, and run the migration again: it goes on from there."
