"""What a Kubernetes API server's answers mean: objects, and refusals in our own words. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence

from chalicelib.platform.errors import ClusterUnavailable, Conflict, CygniError, Failed, LostRace
from chalicelib.platform.kubeport import Json


def parsed(status: int, text: str, subject: str) -> Json:
    """The object that an answer holds. Raises what `error_for` makes of a refusal, and ClusterUnavailable for no JSON."""
    if status >= 400:
        raise error_for(status, text, subject)
    try:
        value: Json = json.loads(text)
    except ValueError as error:
        raise ClusterUnavailable(f"The cluster's answer for {subject} is not JSON: something stands between.") from error
    return value


def error_for(status: int, text: str, subject: str) -> CygniError:
    """The error that an answer of 400 and above means. `text` is its body: a Kubernetes Status, or a proxy's words."""
    body = _status_of(text)
    details = body.get("details") or {}
    causes = [cause for cause in details.get("causes") or () if isinstance(cause, dict)]
    reasons = {cause.get("reason") for cause in causes}
    said = _sentence(body, causes, secret=subject.startswith("Secret "))
    message = f"The cluster answered {status} for {subject}: {said}"
    if status >= 500 or status in (408, 429) or "NamespaceTerminating" in reasons:
        return ClusterUnavailable(message)
    if status == 409 and "FieldManagerConflict" in reasons:
        return Conflict(message, remedy="Let go of the named fields in the other tool, or remove the object, and try again.")
    if status == 409 or (status == 404 and details.get("kind") == "namespaces"):
        return LostRace(message)
    return Failed(message, remedy=_REMEDIES.get(status, "Correct what the cluster names and deploy again."))


_REMEDIES = {
    401: "Renew Cygni's credential for the cluster: in its kubeconfig, or as it is registered.",
    403: "Grant Cygni's account in the cluster the right that is named, or lift the quota or policy that is named.",
    404: "Check that the cluster serves this kind; HTTPRoute needs the Gateway API's definitions.",
}


def _status_of(text: str) -> Json:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) and value.get("kind") == "Status" else {}


def _sentence(body: Json, causes: Sequence[Json], *, secret: bool) -> str:
    """The server's own words, cut to a length that fits a timeline; for a Secret never more than field names."""
    if secret and body:
        fields = ", ".join(str(cause.get("field")) for cause in causes if cause.get("field"))
        return f"{body.get('reason', 'refused')} ({fields})" if fields else str(body.get("reason", "refused"))
    words = str(body.get("message") or "no reason given")
    return words if len(words) <= 600 else words[:599] + "…"
