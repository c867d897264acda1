"""What the API server refuses, as the `Status` objects that Kubernetes clients understand.

    ApiError                one Status: code, reason, message, details
    ├─ bad_request          400 BadRequest
    ├─ unauthorized         401 Unauthorized
    ├─ forbidden            403 Forbidden
    ├─ not_found            404 NotFound
    ├─ method_not_allowed   405 MethodNotAllowed
    ├─ not_acceptable       406 NotAcceptable
    ├─ already_exists       409 AlreadyExists
    ├─ conflict             409 Conflict (optimistic lock, field managers, preconditions)
    ├─ gone                 410 Expired (resourceVersion too old)
    ├─ unsupported_media    415 UnsupportedMediaType
    ├─ invalid              422 Invalid, one cause for each field
    └─ internal             500 InternalError

Nobody outside `web` knows of HTTP beyond the code in here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from cygni.local.kube.objects import Obj, encode


@dataclass(frozen=True)
class Cause:
    """One fault of one field, as validation reports it. `reason` is a machine word such as FieldValueRequired."""

    field: str
    message: str
    reason: str = "FieldValueInvalid"

    def to_json(self) -> Obj:
        """The cause as it stands in a Status."""
        return {"reason": self.reason, "message": self.message, "field": self.field}


def required(field: str, detail: str = "") -> Cause:
    """A field that must be given is missing."""
    return Cause(field, "Required value" + (f": {detail}" if detail else ""), "FieldValueRequired")


def invalid_value(field: str, value: Any, detail: str) -> Cause:
    """A field holds a value that it may not hold."""
    return Cause(field, f"Invalid value: {_quote(value)}: {detail}", "FieldValueInvalid")


def not_supported(field: str, value: Any, supported: Sequence[str]) -> Cause:
    """A field holds a word outside its vocabulary."""
    words = ", ".join(f'"{word}"' for word in supported)
    return Cause(field, f"Unsupported value: {_quote(value)}: supported values: {words}", "FieldValueNotSupported")


def duplicate(field: str, value: Any) -> Cause:
    """A value stands twice in a list that holds each once."""
    return Cause(field, f"Duplicate value: {_quote(value)}", "FieldValueDuplicate")


def forbidden_field(field: str, detail: str) -> Cause:
    """A field may not be set, or not be changed."""
    return Cause(field, f"Forbidden: {detail}", "FieldValueForbidden")


def too_long(field: str, limit: int) -> Cause:
    """A field is longer than it may be, in bytes."""
    return Cause(field, f"Too long: may not be more than {limit} bytes", "FieldValueTooLong")


def _quote(value: Any) -> str:
    return encode(value).decode()


class ApiError(Exception):
    """A refused request. `status` is the Status object, `code` its HTTP code."""

    def __init__(
        self, code: int, reason: str, message: str, details: Obj | None = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.code = int(code)
        self.reason = reason
        self.headers = headers or {}
        self.status: Obj = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            **({"reason": reason} if reason else {}),
            **({"details": details} if details is not None else {}),
            "code": int(code),
        }


def bad_request(message: str) -> ApiError:
    """The request cannot be understood."""
    return ApiError(HTTPStatus.BAD_REQUEST, "BadRequest", message)


def unauthorized() -> ApiError:
    """No token, or a wrong one."""
    return ApiError(HTTPStatus.UNAUTHORIZED, "Unauthorized", "Unauthorized", headers={"WWW-Authenticate": "Bearer"})


def forbidden(plural: str, group: str, name: str, why: str) -> ApiError:
    """The state of the cluster does not allow it."""
    message = f'{_qualified(plural, group)} "{name}" is forbidden: {why}'
    return ApiError(HTTPStatus.FORBIDDEN, "Forbidden", message, {"name": name, **_group(group), "kind": plural})


def not_found(plural: str, group: str, name: str) -> ApiError:
    """There is no object of that name."""
    message = f'{_qualified(plural, group)} "{name}" not found'
    return ApiError(HTTPStatus.NOT_FOUND, "NotFound", message, {"name": name, **_group(group), "kind": plural})


def no_such_path() -> ApiError:
    """There is no resource at that path."""
    message = "the server could not find the requested resource"
    return ApiError(HTTPStatus.NOT_FOUND, "NotFound", message, {})


def method_not_allowed() -> ApiError:
    """The resource does not know that verb."""
    message = "the server does not allow this method on the requested resource"
    return ApiError(HTTPStatus.METHOD_NOT_ALLOWED, "MethodNotAllowed", message, {})


def not_acceptable(accepted: str) -> ApiError:
    """The answer cannot be given in the wished format."""
    message = f"only the following media types are accepted: {accepted}"
    return ApiError(HTTPStatus.NOT_ACCEPTABLE, "NotAcceptable", message)


def unsupported_media(accepted: Sequence[str]) -> ApiError:
    """The body's media type is not understood."""
    message = "the body of the request was in an unknown format - accepted media types include: " + ", ".join(accepted)
    return ApiError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", message)


def already_exists(plural: str, group: str, name: str) -> ApiError:
    """Creation of a name that is taken."""
    message = f'{_qualified(plural, group)} "{name}" already exists'
    return ApiError(HTTPStatus.CONFLICT, "AlreadyExists", message, {"name": name, **_group(group), "kind": plural})


def conflict(plural: str, group: str, name: str, why: str) -> ApiError:
    """Somebody else was faster, or a precondition does not hold."""
    message = f'Operation cannot be fulfilled on {_qualified(plural, group)} "{name}": {why}'
    return ApiError(HTTPStatus.CONFLICT, "Conflict", message, {"name": name, **_group(group), "kind": plural})


MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


def apply_conflict(causes: Sequence[Cause], managers: Sequence[str]) -> ApiError:
    """Server-side apply would take fields from other managers."""
    plural = "s" if len(causes) > 1 else ""
    message = f"Apply failed with {len(causes)} conflict{plural}: " + _conflict_lines(causes, managers)
    details = {"causes": [cause.to_json() for cause in causes]}
    return ApiError(HTTPStatus.CONFLICT, "Conflict", message, details)


def _conflict_lines(causes: Sequence[Cause], managers: Sequence[str]) -> str:
    if len(causes) == 1:
        return f"{causes[0].message}: {causes[0].field}"
    parts = []
    for manager in dict.fromkeys(managers):
        fields = [cause.field for cause, owner in zip(causes, managers, strict=True) if owner == manager]
        parts.append(f"conflicts with {manager}:\n" + "\n".join(f"- {field}" for field in fields))
    return "\n".join(parts)


def gone(asked: int, oldest: int) -> ApiError:
    """A watch or a page starts at a resourceVersion whose history is no longer held."""
    message = f"too old resource version: {asked} ({oldest})"
    return ApiError(HTTPStatus.GONE, "Expired", message)


def continue_expired() -> ApiError:
    """The pages of a list were asked for too slowly."""
    message = (
        "The provided continue parameter is too old to display a consistent list result. "
        "You must start a new list without the continue parameter."
    )
    return ApiError(HTTPStatus.GONE, "Expired", message)


def invalid(kind: str, group: str, name: str, causes: Sequence[Cause]) -> ApiError:
    """The object breaks the rules of its kind; one cause for each field."""
    lines = [f"{cause.field}: {cause.message}" for cause in causes]
    text = lines[0] if len(lines) == 1 else "[" + ", ".join(lines) + "]"
    message = f'{_qualified(kind, group)} "{name}" is invalid: {text}'
    details = {"name": name, **_group(group), "kind": kind, "causes": [cause.to_json() for cause in causes]}
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "Invalid", message, details)


def internal(message: str) -> ApiError:
    """The server cannot do what it should."""
    details = {"causes": [{"message": message}]}
    return ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, "InternalError", f"Internal error occurred: {message}", details)


def _qualified(name: str, group: str) -> str:
    return f"{name}.{group}" if group else name


def _group(group: str) -> Obj:
    return {"group": group} if group else {}
