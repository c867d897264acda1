"""Every way a command ends badly, in one tree; and the one place where the API's problems become these.

CliError            message, remedy, exit code; `fields` when single values are wrong
├── Usage           the command line or a local file is wrong
├── NotSignedIn     no endpoint or token, or the API did not accept the token
├── Unreachable     no answer, or only failures, after several attempts
└── Problem         the API refused: problem+json, with its status and code
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cygni.cli.exits import Exit


@dataclass(frozen=True, slots=True)
class FieldFault:
    """One wrong value: where it is (a dotted path, and a line of the file when there is one), what is wrong, what to write."""

    field: str
    message: str
    remedy: str = ""
    line: int | None = None
    column: int | None = None


class CliError(Exception):
    """A command that could not do its work. `message` says what, `remedy` what to do next, `detail` shows it at length."""

    def __init__(
        self,
        message: str,
        *,
        remedy: str = "",
        exit_code: Exit = Exit.UNEXPECTED,
        fields: Sequence[FieldFault] = (),
        code: str = "error",
        detail: str = "",
    ) -> None:
        super().__init__(message)
        self.detail = detail
        self.message = message
        self.remedy = remedy
        self.exit_code = exit_code
        self.fields = tuple(fields)
        self.code = code

    def document(self) -> dict[str, Any]:
        """The error for machines: what `--json` prints on stderr."""
        fields = [
            {"field": f.field, "message": f.message, "remedy": f.remedy, "line": f.line, "column": f.column}
            for f in self.fields
        ]
        return {
            "error": {
                "code": self.code,
                "message": self.message,
                "remedy": self.remedy,
                "exit_code": int(self.exit_code),
                "fields": fields,
            }
        }


class Usage(CliError):
    """The command line, or a file beside it, breaks a rule."""

    def __init__(
        self, message: str, *, remedy: str = "", fields: Sequence[FieldFault] = (), code: str = "usage", detail: str = ""
    ) -> None:
        super().__init__(message, remedy=remedy, exit_code=Exit.USAGE, fields=fields, code=code, detail=detail)


class NotSignedIn(CliError):
    """There is no endpoint or token to use."""

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(message, remedy=remedy, exit_code=Exit.NOT_SIGNED_IN, code="not-signed-in")


class Unreachable(CliError):
    """The API did not answer."""

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(message, remedy=remedy, exit_code=Exit.UNREACHABLE, code="unreachable")


class Problem(CliError):
    """The API refused, and said why.

    `status` is the HTTP status, `instance` the request's id for a report, `oauth` the code of OAuth where the API gave one.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str,
        remedy: str,
        exit_code: Exit,
        fields: Sequence[FieldFault] = (),
        instance: str = "",
        oauth: str = "",
    ) -> None:
        super().__init__(message, remedy=remedy, exit_code=exit_code, fields=fields, code=code)
        self.status = status
        self.instance = instance
        self.oauth = oauth


_EXITS = {
    400: Exit.USAGE,
    401: Exit.NOT_SIGNED_IN,
    403: Exit.FORBIDDEN,
    404: Exit.NOT_FOUND,
    409: Exit.CONFLICT,
    412: Exit.CONFLICT,
    413: Exit.USAGE,
    421: Exit.USAGE,
    415: Exit.USAGE,
    422: Exit.USAGE,
    428: Exit.CONFLICT,
    429: Exit.UNREACHABLE,
    502: Exit.UNREACHABLE,
    503: Exit.UNREACHABLE,
    504: Exit.UNREACHABLE,
}
SIGN_IN_REMEDY = (
    "Sign in with `cygni login --endpoint URL`, start a local cloud with `make up`, or set CYGNI_ENDPOINT and CYGNI_TOKEN; "
    "`cygni doctor` shows which settings are in use."
)
_ADDRESS = re.compile(r"https?://[^\s,;]+[^\s,;.]")


def with_sign_in(remedy: str) -> str:
    """What to do about a credential that the API does not take: its own advice, and where credentials come from."""
    return f"{remedy} {SIGN_IN_REMEDY}".strip()


def from_problem(status: int, body: Any, *, where: str, sign_in: Callable[[str], str] = with_sign_in) -> Problem:
    """The error for an answer of 400 or above. `body` is the parsed JSON, whatever it is; `where` is the method and path.

    An answer that is no problem document (a proxy's page, say) is described by its status alone. `sign_in` makes of the API's
    advice about a credential what helps whoever uses this one.
    """
    problem: Mapping[str, Any] = body if isinstance(body, dict) else {}
    exit_code = _EXITS.get(status, Exit.UNEXPECTED)
    remedy = str(problem.get("remedy") or "")
    if exit_code is Exit.NOT_SIGNED_IN:
        remedy = sign_in(remedy)
    if status == 421 and (address := _ADDRESS.search(remedy)):
        remedy = f"{remedy} Sign in there: `cygni login --endpoint {address[0]}`."
    instance = str(problem.get("instance") or "")
    if exit_code is Exit.UNEXPECTED and instance:
        remedy = " ".join(filter(None, (remedy, f"If it stays, report it with the request id {instance}.")))
    oauth = problem.get("error")
    return Problem(
        str(problem.get("detail") or problem.get("title") or f"{where} answered {status}."),
        status=status,
        code=str(problem.get("code") or f"http-{status}"),
        remedy=remedy,
        exit_code=exit_code,
        fields=[_fault(each) for each in problem.get("errors") or () if isinstance(each, dict)],
        instance=instance,
        oauth=oauth if isinstance(oauth, str) else "",
    )


def _fault(error: Mapping[str, Any]) -> FieldFault:
    line, column = error.get("line"), error.get("column")
    return FieldFault(
        field=str(error.get("field") or ""),
        message=str(error.get("message") or ""),
        remedy=str(error.get("remedy") or ""),
        line=line if isinstance(line, int) else None,
        column=column if isinstance(column, int) else None,
    )
