"""What judges the templates beyond CDK: cfn-lint reads the templates, parliament the policies. cdk-nag judges at synthesis.

A finding that is meant to be so is in one of the tables here, with its reason, or beside the resource (`grants.accept_lint`).
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from pathlib import Path

from infra.resolve import policies

LINT_IGNORED = {
    "W3005": "CDK lets a resource wait for a whole role, so that its policy is there too; the reference alone waits for less.",
}
"""Rules of cfn-lint that apply nowhere here."""

POLICY_IGNORED = {
    "arn:*:states:*:*:express:*:*:*": "Cygni has standard workflows; parliament wants an express one's ARN beside theirs.",
    "arn:*:states:*:*:mapRun:*/*:*": "Executions of a state machine are listed; parliament wants a map run's ARN beside it.",
    "Unknown condition kms:ResourceAliases": "AWS knows it for every action on a key; parliament's list is older.",
}
"""Findings of parliament that apply nowhere here, by words that they have."""


def lint(path: Path) -> Iterator[str]:
    """What cfn-lint finds in a template: errors, warnings and advice."""
    from cfnlint.api import lint_file
    from cfnlint.config import ManualArgs

    for each in lint_file(path, config=ManualArgs(ignore_checks=list(LINT_IGNORED))):
        yield f"{path.name}: {each.rule.id} {each.message} ({'/'.join(map(str, each.path or []))})"


def audit(path: Path) -> Iterator[str]:
    """What parliament finds in the policies of a template's roles."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # it reads its own files by a module that is on its way out
        from parliament import analyze_policy_string

    for id_, document in policies(json.loads(path.read_text())):
        for each in analyze_policy_string(json.dumps(document)).findings:
            told = f"{path.name}: {id_}: {each.issue} {each.detail or ''}".rstrip()
            if not any(words in told for words in POLICY_IGNORED):
                yield told


def judged(folder: Path) -> list[str]:
    """All findings in the templates of a synthesized stage; none is what is wanted."""
    paths = sorted(folder.rglob("*.template.json"))
    return [finding for path in paths for finding in (*lint(path), *audit(path))]
