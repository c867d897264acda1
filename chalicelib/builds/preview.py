"""A plan from a listing that somebody sends, without a source or a build."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from chalicelib.platform.errors import AppFileRefused
from chalicelib.projects.service import ServiceSpec, parse

if TYPE_CHECKING:
    from chalicelib.builds.plan import BuildPlan

APP_FILE = "cygni.yaml"


def preview_plan(files: Mapping[str, str | None], service: str) -> BuildPlan:
    """How these files would be built. Raises BuildRefused, AppFileRefused."""
    from chalicelib.builds import rules

    return rules.plan(files, spec_of(files, service), service)


def spec_of(files: Mapping[str, str | None], service: str) -> ServiceSpec:
    """What the source's cygni.yaml says of a service; the defaults when the source has none. Raises AppFileRefused."""
    text = files.get(APP_FILE)
    if text is None:
        return ServiceSpec.model_validate({})
    app = parse(text)
    if service not in app.services:
        known = ", ".join(sorted(app.services))
        raise AppFileRefused(
            f"cygni.yaml does not declare a service named {service}; it declares {known}.",
            remedy=f"Add `{service}` under `services`, or deploy one of: {known}.",
        )
    return app.services[service]


def dockerfile_of(plan: BuildPlan) -> str | None:
    """The Dockerfile that would be generated; None when the source has its own."""
    from chalicelib.builds.dockerfile import dockerfile
    from chalicelib.builds.plan import Kind

    return None if plan.kind is Kind.DOCKERFILE else dockerfile(plan)
