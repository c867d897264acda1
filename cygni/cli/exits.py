"""Exit codes: a contract for scripts. The reference in docs/cli-reference.md is generated from this table."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """What the process's exit code means; `meaning` is the sentence that the reference prints."""

    meaning: str

    def __new__(cls, value: int, meaning: str) -> Exit:
        """Keep the sentence beside its number, so that neither is written twice."""
        member = int.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    OK = 0, "Done. For a command that follows a deployment: it was promoted."
    UNEXPECTED = 1, "Something unexpected: a fault in the command itself, or an answer it does not know."
    USAGE = 2, "Wrong use: the command line, cygni.yaml, or a value in it breaks a rule."
    NOT_SIGNED_IN = 3, "No endpoint, token or login is configured, or it is not valid (any more)."
    FORBIDDEN = 4, "You are signed in, but your role does not grant this."
    NOT_FOUND = 5, "What was named does not exist, or not for you."
    CONFLICT = 6, "The present state forbids it, or someone else changed it first."
    UNREACHABLE = 7, "The API did not answer, or kept failing, after several attempts."
    ROLLED_BACK = 10, "The deployment was rolled back; the stable release has all the traffic."
    FAILED = 11, "The deployment failed before it could take traffic: its source, its build or its first start."
    CANCELLED = 12, "The deployment was cancelled, or superseded by a newer one."
    DISAGREES = 13, "A replayed verdict differs from the recorded one."
    UNHEALTHY = 14, "The doctor, or the check of a cluster, found something to mend; or dead letters were left."
    AWAITS_APPROVAL = 15, "The deployment waits for the approval of an Owner or Admin; until then it changes nothing."
    TAMPERED = 16, "The audit trail does not hold: a line was altered, taken out or put in, or a noted head is not in it."
    INTERRUPTED = 130, "Interrupted with Ctrl-C. A deployment that was being followed goes on."


_OUTCOMES = {
    "awaiting_approval": Exit.AWAITS_APPROVAL,
    "promoted": Exit.OK,
    "rolled_back": Exit.ROLLED_BACK,
    "failed": Exit.FAILED,
    "cancelled": Exit.CANCELLED,
    "superseded": Exit.CANCELLED,
}


def exit_of(state: str) -> Exit:
    """The exit code for a deployment that stopped in `state`; a state this version does not know is UNEXPECTED."""
    return _OUTCOMES.get(state, Exit.UNEXPECTED)
