"""The one place where errors become HTTP: problem details as RFC 9457 describes them."""

from __future__ import annotations

from typing import Any

from pydantic import Field, ValidationError

from chalicelib.platform import errors
from chalicelib.platform.errors import CygniError, FieldError, InvalidInput
from chalicelib.platform.schema import Output

CONTENT_TYPE = "application/problem+json"
BASE = "https://cygni.dev/problems/"

STATUS: dict[type[CygniError], int] = {
    errors.Malformed: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.MethodNotAllowed: 405,
    errors.GrantRefused: 400,
    errors.SignInRefused: 400,
    errors.Conflict: 409,
    errors.StaleVersion: 412,
    errors.TooLarge: 413,
    errors.WrongRegion: 421,
    errors.InvalidInput: 422,
    errors.Refused: 422,
    errors.Failed: 422,
    errors.LostRace: 409,
    errors.RateLimited: 429,
    errors.Transient: 503,
    CygniError: 500,
}
"""HTTP status by class; a class that is not here has the status of its nearest ancestor that is."""


class FieldProblem(Output):
    """One broken rule."""

    field: str = Field(description="Where: `body.name`, `query.limit`, or a path in the app file.")
    message: str
    remedy: str = ""
    line: int | None = Field(None, description="Line in the app file, from 1.")
    column: int | None = Field(None, description="Column in the app file, from 1.")


class Problem(Output):
    """Problem details (RFC 9457). `code` is stable; `remedy` says what to do next."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    remedy: str
    instance: str = Field(description="Id of the request, to name when asking for help.")
    errors: list[FieldProblem] = Field(default_factory=list)
    error: str | None = Field(None, description="OAuth's code (RFC 6749, section 5.2), at the endpoints that speak OAuth.")
    error_description: str | None = Field(None, description="The detail once more, under the name that OAuth has for it.")


def status_of(kind: type[CygniError]) -> int:
    """The HTTP status of a class of errors."""
    return next(STATUS[base] for base in kind.__mro__ if base in STATUS)


def headers_of(error: CygniError) -> dict[str, str]:
    """Headers that go with a problem."""
    headers = {"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"}
    if isinstance(error, errors.Unauthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="cygni"'
    if isinstance(error, errors.Transient):
        headers["Retry-After"] = str(getattr(error, "retry_after", 2))
    return headers


def problem_of(error: CygniError, request_id: str) -> Problem:
    """The problem that tells the caller about an error."""
    kind, oauth = type(error), error if isinstance(error, errors.GrantRefused) else None
    title = (kind.__doc__ or kind.__name__).split("\n")[0].rstrip(".")
    return Problem(
        type=BASE + error.code,
        title=title,
        status=status_of(kind),
        detail=error.message,
        code=error.code,
        remedy=error.remedy,
        instance=request_id,
        errors=[_field(each) for each in error.fields],
        error=oauth.reason if oauth else None,
        error_description=oauth.message if oauth else None,
    )


def as_oauth(error: CygniError) -> CygniError:
    """The error as an endpoint of OAuth tells it: what the request itself has wrong is status 400 with a code there."""
    if not isinstance(error, errors.InvalidInput | errors.Malformed):
        return error
    strange = any(each.field == "body.grant_type" and each.message != _MISSING for each in error.fields)
    reason = "unsupported_grant_type" if strange else "invalid_request"
    return errors.GrantRefused(error.message, reason=reason, remedy=error.remedy, fields=error.fields)


_MISSING = "Field required"
"""What pydantic says of a field that is not there."""


def unexpected(request_id: str) -> Problem:
    """The problem for a fault of ours; what happened is in the log under the same id, not in the answer."""
    return Problem(
        type=BASE + "internal",
        title="Cygni failed",
        status=500,
        detail="Something went wrong inside Cygni.",
        code="internal",
        remedy="Try again; if it stays so, report it with this request's id.",
        instance=request_id,
    )


def invalid(place: str, error: ValidationError) -> InvalidInput:
    """What pydantic found, in our words; `place` is body or query. Values are not repeated: they may be secrets."""
    fields = []
    for each in error.errors(include_url=False, include_input=False, include_context=False):
        path = ".".join([place, *(str(part) for part in each["loc"])])
        fields.append(FieldError(path, each["msg"].removeprefix("Value error, ")))
    return InvalidInput(f"The {place} breaks {len(fields)} rule{'s' if len(fields) > 1 else ''}.", fields=fields)


def _field(each: FieldError) -> FieldProblem:
    extra: dict[str, Any] = {name: getattr(each, name, None) for name in ("line", "column")}
    return FieldProblem(field=each.field, message=each.message, remedy=each.remedy, **extra)
