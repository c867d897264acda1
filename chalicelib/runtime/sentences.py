"""The sentences in which a release's state is told: what was seen, then what to change. Pure."""

from __future__ import annotations

ABSENT = "The release's Deployment is not in the cluster: something removed it. Deploy again."
_LISTEN = "Listen on 0.0.0.0 and on the port in the PORT variable"
_CODES = {
    126: ("its start command is not executable", "Make the program executable, or start it through its interpreter."),
    127: ("its start command was not found", "Check `start` in cygni.yaml and that the build installs the program."),
    132: ("an illegal instruction", "Build the program for the processor the cluster has."),
    134: ("it aborted itself", "Its last lines say why."),
    137: ("it was killed", "If nothing else killed it, it used too much memory: raise `resources.memory` in cygni.yaml."),
    139: ("a segmentation fault", "A native library is at fault: check that it fits the image."),
    143: ("it was told to stop", "Something outside stopped it: deploy again."),
}


def ready(count: int, desired: int) -> str:
    """All is well."""
    return f"{count} of {desired} instances are ready."


def starting(count: int, desired: int) -> str:
    """Nothing is known to be wrong yet."""
    return f"{count} of {desired} instances are ready; the others are starting."


def exited(code: int, ends: int, seconds: float | None) -> str:
    """The process ended `ends` times, last with `code` after so many seconds."""
    when = "" if seconds is None else f", {seconds:.0f} s after it started" if seconds >= 1 else " as soon as it started"
    times = "" if ends < 2 else f" It has ended {ends} times."
    if code == 0:
        return (
            f"The process ended by itself with exit code 0{when}.{times} "
            "A service keeps running and answers requests: start a server in the foreground."
        )
    meaning, remedy = _CODES.get(code, ("", "Its last lines say why: correct that and deploy again."))
    return f"The process exited with code {code}{f' ({meaning})' if meaning else ''}{when}.{times} {remedy}"


def out_of_memory(limit: str) -> str:
    """The kernel ended the process for its memory."""
    held = f"its {limit} of memory" if limit else "its memory"
    return f"The process used more than {held} and was killed. Raise `resources.memory` in cygni.yaml, or find what uses it."


def image_missing(said: str) -> str:
    """The image could not be fetched."""
    return f"The image could not be pulled: {_end(said)} Check that the registry has it and that the cluster may read it."


def cannot_start(said: str) -> str:
    """The container's process could not be made."""
    return f"The container could not be started: {_end(said)} Check `start` in cygni.yaml and the image's command."


def elsewhere(said: str) -> str:
    """What the node saw of a process that listens on another port or on loopback only; it ends with the remedy."""
    return _end(f"The process is {said}" if said.startswith("listening") else said or f"It cannot be reached. {_LISTEN}")


def unschedulable(said: str) -> str:
    """No node takes the pod."""
    return f"No node has room for an instance: {_end(said or 'no reason given')} Ask for less in `resources`, or add nodes."


def refused(said: str) -> str:
    """The cluster does not let the pods be created."""
    remedy = "Lower `scale` or `resources`, or raise the quota." if "quota" in said else "Change what it names."
    return f"The cluster refuses to create instances: {_end(said or 'no reason given')} {remedy}"


def probe_failing(said: str, port: int | None) -> str:
    """The process runs, but its probe fails."""
    where = f"port {port}" if port else "its port"
    if "refused" in said:
        return f"Nothing answers on {where} yet. {_LISTEN}."
    return f"The health check on {where} fails: {_end(said)} It must answer 200 to 399 at `health.path`."


def killed(said: str, port: int | None) -> str:
    """The process was ended because its probe failed for too long."""
    where = f"port {port}" if port else "its port"
    return f"The process never answered on {where} or stopped answering, and was restarted: {_end(said)} {_LISTEN}."


def overdue(seconds: int, message: str) -> str:
    """The deadline has passed."""
    return f"Not ready within {seconds} s. {message}"


def _end(said: str) -> str:
    """A foreign message as a sentence of bearable length."""
    said = said.strip()
    if len(said) > 400:
        said = said[:399] + "…"
    return said if said.endswith((".", "!", "?", "…")) else said + "."
