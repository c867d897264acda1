"""What a service is, as `cygni.yaml` declares it: the shapes that builds, rollouts and runtime read.

Frozen, with every default visible here; the JSON Schema of `cygni.yaml` is generated from these models.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from chalicelib.platform.names import Name
from chalicelib.projects.rollout_spec import CanaryStep, CustomGate, Gates, Rollout
from chalicelib.projects.shapes import Duration, Shape, seconds

__all__ = [
    "AppFile",
    "Build",
    "CanaryStep",
    "CustomGate",
    "Duration",
    "Gates",
    "Health",
    "Resources",
    "Rollout",
    "Scale",
    "ServiceName",
    "ServiceSpec",
    "Shape",
    "VariableName",
    "VariableValue",
    "seconds",
]

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
    """How many instances run. With `max` above `min`, CPU use decides between them, and requests where that is asked for and
    the cluster has KEDA: whichever needs more. `max` is never below `min`.

    With `min` 0 a service that nobody asks for stops, where the gateway can hold the request that wakes it; elsewhere one
    instance stays.
    """

    min: int = Field(1, ge=0, le=100, description="Fewest instances; 0 lets a service that nobody asks for stop.")
    max: int = Field(1, ge=1, le=100, description="Most instances.")
    requests: int | None = Field(
        None, ge=1, le=100_000, description="Requests a second that one instance is to get, where the cluster has KEDA."
    )
    cpu_percent: int = Field(80, ge=1, le=100, description="Average CPU use, in percent of the request, to scale towards.")
    idle: Duration = Field("5m", description="With min 0: time without a request after which the last instance stops.")

    @model_validator(mode="after")
    def _room_to_scale(self) -> Scale:
        if self.max < self.min:
            raise PydanticCustomError(
                "max_below_min",
                "is {max}, below the {min} of min",
                {"at": ("max",), "max": self.max, "min": self.min, "remedy": "Let max be min or more."},
            )
        if self.requests is not None and self.max <= max(1, self.min):
            raise PydanticCustomError(
                "no_room",
                "has no room to scale: max is {max}",
                {"at": ("requests",), "max": self.max, "remedy": "Let max be above min, and above 1, or leave requests out."},
            )
        return self


Domain = Annotated[
    str, StringConstraints(pattern=r"^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]([a-z0-9-]*[a-z0-9])?$", max_length=253)
]


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
    domains: tuple[Domain, ...] = Field(
        (),
        max_length=16,
        description="Host names of your own under which the service answers too; their DNS points at the gateway.",
    )


class AppFile(Shape):
    """`cygni.yaml`, version 1."""

    version: Literal[1] = Field(description="Version of this file's format.")
    name: Name = Field(description="Name of the project.")
    services: dict[ServiceName, ServiceSpec] = Field(min_length=1, max_length=20, description="The app's services by name.")
