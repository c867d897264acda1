"""What a service is, as `cygni.yaml` declares it: the shapes that builds, rollouts and runtime read.

Frozen, with every default visible here; the JSON Schema of `cygni.yaml` is generated from these models.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from chalicelib.platform.names import Name

RESERVED = "cygni-"
"""How the names of Cygni's own objects begin, in a namespace where services live too."""


def _not_reserved(name: str) -> str:
    if name.startswith(RESERVED):
        raise ValueError(f"names of services do not begin with {RESERVED}, which are Cygni's own")
    return name


ServiceName = Annotated[Name, AfterValidator(_not_reserved), Field(json_schema_extra={"not": {"pattern": f"^{RESERVED}"}})]
"""The name of a service."""

VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=128)]
VariableValue = Annotated[str, StringConstraints(max_length=16_384)]
Duration = Annotated[
    str,
    StringConstraints(pattern=r"^[1-9][0-9]{0,5}(s|m|h)$"),
    Field(description="A whole number with its unit: 30s, 10m or 1h."),
]


def seconds(duration: str) -> int:
    """The seconds in a `Duration` such as `30s`, `10m` or `1h`."""
    return int(duration[:-1]) * {"s": 1, "m": 60, "h": 3600}[duration[-1]]


class Shape(BaseModel):
    """Base of the app file's shapes: camelCase in the file, snake_case here, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True, defer_build=True)


class Build(Shape):
    """How source becomes an image. All fields are optional: what is not said is detected."""

    context: str = Field(".", max_length=255, description="Folder of the source that is built, relative to the app file.")
    dockerfile: str | None = Field(None, max_length=255, description="Dockerfile to build, relative to the context.")
    command: str | None = Field(None, max_length=1024, description="Command run after dependencies are installed.")


class Health(Shape):
    """The HTTP readiness probe: a 2xx or 3xx answer within the time-out means ready."""

    path: str = Field("/", pattern=r"^/[^\s]*$", max_length=255, description="Path that answers when the service is ready.")
    interval: Duration = Field("2s", description="Time between probes.")
    timeout: Duration = Field("2s", description="Time a probe may take.")
    deadline: Duration = Field("2m", description="Time a new release may take to become ready before it is rolled back.")


class Resources(Shape):
    """What one instance asks for and is held to, in Kubernetes quantities."""

    cpu: str = Field("100m", pattern=r"^[0-9]+(\.[0-9]{1,3}|m)?$", description="CPU request: 250m or 0.5.")
    memory: str = Field("256Mi", pattern=r"^[1-9][0-9]*(Ki|Mi|Gi)$", description="Memory request and limit: 256Mi.")


class Scale(Shape):
    """How many instances run. With `max` above `min`, CPU use decides between them; `max` is never below `min`."""

    min: int = Field(1, ge=1, le=100, description="Fewest instances.")
    max: int = Field(1, ge=1, le=100, description="Most instances.")
    cpu_percent: int = Field(80, ge=1, le=100, description="Average CPU use, in percent of the request, to scale towards.")

    @model_validator(mode="after")
    def _room_to_scale(self) -> Scale:
        if self.max < self.min:
            raise PydanticCustomError(
                "max_below_min",
                "is {max}, below the {min} of min",
                {"at": ("max",), "max": self.max, "min": self.min, "remedy": "Let max be min or more."},
            )
        return self


class CanaryStep(Shape):
    """One step of a canary: this share of requests, for at least this long."""

    weight: int = Field(ge=1, le=99, description="Percent of requests sent to the canary.")
    for_: Duration = Field("30s", alias="for", description="Shortest time the step lasts.")


PLACEHOLDERS = ("canary", "stable", "namespace")
"""What a custom gate's query may name between double braces."""
_PLACEHOLDER = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")


def _misfit(at: str, problem: str, remedy: str) -> PydanticCustomError:
    # The sentence is the error's own template: braces in it would be taken for its values.
    return PydanticCustomError("misfit", "{problem}", {"at": (at,), "problem": problem, "remedy": remedy})


class CustomGate(Shape):
    """A measurement of your own: a PromQL expression with its limit, or a webhook that answers yes or no."""

    name: Name
    query: str | None = Field(
        None,
        min_length=1,
        max_length=2000,
        description="PromQL that gives one number; {{canary}} and {{stable}} are the releases' backends, {{namespace}} theirs.",
    )
    webhook: str | None = Field(
        None,
        pattern=r"^https?://[^\s]+$",
        max_length=2000,
        description='Address that is asked by POST and answers with JSON: {"pass": true} or {"pass": false}.',
    )
    max: float | None = Field(None, allow_inf_nan=False, description="Most that the query may give.")
    min: float | None = Field(None, allow_inf_nan=False, description="Least that the query may give.")
    weight: Literal["critical", "advisory"] = Field(
        "critical", description="A critical gate decides; an advisory one is told and changes nothing."
    )

    @model_validator(mode="after")
    def _whole(self) -> CustomGate:
        if (self.query is None) == (self.webhook is None):
            raise _misfit("query", "needs either a query or a webhook", "Write one of `query` and `webhook`.")
        limits = (self.max is not None) + (self.min is not None)
        if self.query is not None and limits != 1:
            raise _misfit("query", "needs one limit", "Write one of `max` and `min`.")
        if self.webhook is not None and limits:
            raise _misfit("webhook", "has no limit: it answers yes or no", "Leave out `max` and `min`.")
        unknown = [word for word in _PLACEHOLDER.findall(self.query or "") if word not in PLACEHOLDERS]
        if unknown:
            known = ", ".join("{{" + word + "}}" for word in PLACEHOLDERS)
            raise _misfit("query", f"has the unknown placeholder {{{{{unknown[0]}}}}}", f"Known here: {known}.")
        return self


GateName = Literal["errorRate", "latencyP95", "errorRateIncrease", "latencyP95Increase"]


class Gates(Shape):
    """The limits a canary must keep to. A gate that is null is not judged."""

    error_rate: float | None = Field(5.0, ge=0, le=100, description="Most failed (5xx) requests, in percent.")
    latency_p95: int | None = Field(
        1000, ge=1, le=60_000, alias="latencyP95", description="Most latency at the 95th percentile, in milliseconds."
    )
    error_rate_increase: float | None = Field(
        0.25, ge=0, le=100, description="Most percentage points of failed requests above the stable version's."
    )
    latency_p95_increase: int | None = Field(
        None,
        ge=1,
        le=1000,
        alias="latencyP95Increase",
        description="Most percent by which the 95th percentile of latency may be above the stable version's.",
    )
    advisory: tuple[GateName, ...] = Field((), max_length=4, description="Those of the gates above that are only told.")
    custom: tuple[CustomGate, ...] = Field((), max_length=5, description="Gates on measurements of your own.")

    @field_validator("custom")
    @classmethod
    def _named_once(cls, custom: tuple[CustomGate, ...]) -> tuple[CustomGate, ...]:
        names = [gate.name for gate in custom]
        for index, name in enumerate(names):
            if name in names[:index]:
                raise PydanticCustomError(
                    "named_twice",
                    "is the name of another gate too",
                    {"at": (index, "name"), "remedy": "Give each custom gate a name of its own."},
                )
        return custom


_FIRST_STEPS = tuple(CanaryStep.model_construct(weight=weight, for_="30s") for weight in (10, 50))
"""Made without a validator, which would be built while the module is imported."""


class Rollout(Shape):
    """How a new release takes over: steps of weight, gates, and what to do when nothing can be said."""

    steps: tuple[CanaryStep, ...] = Field(
        _FIRST_STEPS,
        max_length=20,
        description="Steps in order, with rising weights. An empty list moves all requests at once when the release is ready.",
    )
    gates: Gates = Field(default_factory=lambda: Gates.model_validate({}))
    interval: Duration = Field("5s", description="Time between samples of the traffic.")
    min_requests: int = Field(
        20, ge=1, le=100_000, description="Requests a step's canary must have served before it may advance."
    )
    inconclusive_after: Duration = Field("10m", description="Time a step may stay without enough requests.")
    on_inconclusive: Literal["hold", "rollBack"] = Field(
        "hold", description="What then happens: wait for a person, or roll back."
    )
    alpha: float = Field(
        1.0, ge=0.01, le=20, description="Greatest chance, in percent, that a sound release is rolled back by its gates."
    )
    advance_on: Literal["time", "evidence"] = Field(
        "time",
        description="What a step that nothing speaks against waits for: its time, or besides that proof that gates are kept.",
    )

    @field_validator("steps")
    @classmethod
    def _rising(cls, steps: tuple[CanaryStep, ...]) -> tuple[CanaryStep, ...]:
        for index in range(1, len(steps)):
            before, here = steps[index - 1].weight, steps[index].weight
            if here <= before:
                raise PydanticCustomError(
                    "weight_not_rising",
                    "is {here}, not above the {before} of the step before",
                    {
                        "at": (index, "weight"),
                        "here": here,
                        "before": before,
                        "remedy": "Let the weights rise from step to step.",
                    },
                )
        return steps


class ServiceSpec(Shape):
    """One service of an app."""

    build: Build = Field(default_factory=Build)
    start: str | None = Field(
        None, min_length=1, max_length=1024, description="Command that starts the service; default: detected."
    )
    port: int = Field(8080, ge=1, le=65_535, description="Port the service listens on; it is also given to it as PORT.")
    health: Health = Field(default_factory=lambda: Health.model_validate({}))
    env: dict[VariableName, VariableValue] = Field(
        default_factory=dict, max_length=200, description="Variables that are no secret."
    )
    resources: Resources = Field(default_factory=lambda: Resources.model_validate({}))
    scale: Scale = Field(default_factory=lambda: Scale.model_validate({}))
    rollout: Rollout = Field(default_factory=lambda: Rollout.model_validate({}))


class AppFile(Shape):
    """`cygni.yaml`, version 1."""

    version: Literal[1] = Field(description="Version of this file's format.")
    name: Name = Field(description="Name of the project.")
    services: dict[ServiceName, ServiceSpec] = Field(min_length=1, max_length=20, description="The app's services by name.")
