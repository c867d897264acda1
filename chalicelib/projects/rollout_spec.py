"""How a release takes over, as `cygni.yaml` declares it."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, PlainValidator, StringConstraints, WithJsonSchema, field_validator, model_validator
from pydantic_core import PydanticCustomError

from chalicelib.platform.names import Name
from chalicelib.projects.shapes import Duration, Shape

Delay = Annotated[
    str,
    StringConstraints(pattern=r"^(0s|[1-9][0-9]{0,3}s|[1-5]?[0-9]m|1h)$"),
    Field(description="A whole number with its unit, an hour at most: 0s, 30s or 10m."),
]
_AMOUNT_FORM = "A number of instances from 0 to 100, or a share of them such as 25%."
_PERCENT = re.compile(r"(100|[1-9]?[0-9])%")


def _amount(given: object) -> int | str:
    counted = isinstance(given, int) and not isinstance(given, bool) and 0 <= given <= 100
    if counted or (isinstance(given, str) and _PERCENT.fullmatch(given)):
        return given  # type: ignore[return-value]  # what was just found out
    raise PydanticCustomError("amount", "is no amount of instances", {"remedy": _AMOUNT_FORM})


Amount = Annotated[
    int | str,
    PlainValidator(_amount),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0, "maximum": 100},
                {"type": "string", "pattern": f"^{_PERCENT.pattern}$"},
            ]
        }
    ),
]
"""Instances, by number or as a share of all, as Kubernetes writes both."""
_EITHER = "Write `strategy: blueGreen`, or leave it out."
_ROLLING = "Write `strategy: rolling`, or leave it out."
_NO_APPROVAL = "Leave `approval` out, or take canary or blueGreen; `cygni pause` holds any rollout."
_NO_DELAY = "Leave it out, or take canary or blueGreen."
IN_VAIN = "say what a release is judged by, but one that is recreated is not judged: nothing runs beside it"
"""What is wrong with gates of a release that is recreated."""
WITHOUT_GATES = "Leave them out, or take canary, blueGreen or rolling."
_NOT_FOR_PINS = frozenset({"authorization", "connection", "content-length", "cookie", "host", "transfer-encoding", "upgrade"})


class CanaryStep(Shape):
    """One step of a canary: this share of requests, for at least this long."""

    weight: int = Field(ge=1, le=99, description="Percent of requests sent to the canary.")
    for_: Duration = Field("30s", alias="for", description="Shortest time the step lasts.")
    approval: bool = Field(False, description="Whether a person has to let the rollout on when the step kept to every gate.")


class BlueGreen(Shape):
    """A release that is there in full before it gets any traffic, then gets all of it, and is watched for a while."""

    preview_for: Duration = Field("30s", description="Shortest time that it is there for those who are pinned to it alone.")
    approval: bool = Field(False, description="Whether a person has to let it have the traffic.")
    watch_for: Duration = Field(
        "30s", description="Shortest time that it is watched with all the traffic, while the release before it runs on."
    )


class Pin(Shape):
    """What marks a request that always goes to the canary, for those who try it. The gateway looks; the service gets it too."""

    header: str | None = Field(
        None, pattern=r"^[A-Za-z][A-Za-z0-9-]{0,63}$", description="Name of a header that has this value."
    )
    cookie: str | None = Field(
        None, pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$", description="Name of a cookie that has this value."
    )
    value: str = Field("always", pattern=r"^[A-Za-z0-9_-]{1,64}$", description="The value that is looked for.")

    @model_validator(mode="after")
    def _either(self) -> Pin:
        if self.header is None and self.cookie is None:
            raise _misfit("header", "needs a header or a cookie", "Write `header`, `cookie`, or both.")
        if (self.header or "").lower() in _NOT_FOR_PINS:
            raise _misfit("header", "has another meaning", "Take a name of your own, such as X-Canary.")
        return self


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

    strategy: Literal["canary", "blueGreen", "rolling", "recreate"] = Field(
        "canary",
        description="canary: traffic moves in steps. blueGreen: all at once, after a preview. rolling: instances are replaced "
        "in batches. recreate: what is live is stopped first, nobody is served in between, and the release takes all "
        "requests when it is ready: nothing runs beside it, so no gate judges it.",
    )
    blue_green: BlueGreen | None = Field(None, description="How a blueGreen release takes over; null: with its defaults.")
    max_surge: Amount | None = Field(
        None,
        description="Most instances beyond the wanted ones while some are replaced, as a number or a share (25%), rounded "
        "up; null: 25% for rolling, 1 for other strategies, where it counts when a release's own instances restart.",
    )
    max_unavailable: Amount | None = Field(
        None,
        description="Most wanted instances that may be missing meanwhile, as a number or a share (25%), which is rounded down; "
        "null: 25% for rolling, 0 for other strategies.",
    )
    batch_for: Delay = Field("0s", description="Shortest time that each batch of a rolling release is watched.")
    pin: Pin | None = Field(None, description="Requests that always go to the canary; null: none do.")
    scale_down_delay: Delay = Field(
        "0s", description="Time that a release without traffic runs on, after a promotion as after an abort."
    )
    steps: tuple[CanaryStep, ...] = Field(
        _FIRST_STEPS,
        max_length=20,
        description="Steps of a canary in order, with rising weights. An empty list moves all requests at once when the "
        "release is ready.",
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

    @model_validator(mode="after")
    def _of_one_way(self) -> Rollout:
        if self.blue_green is not None and self.strategy != "blueGreen":
            raise _misfit("blueGreen", f"says how a blueGreen release takes over, but strategy is {self.strategy}", _EITHER)
        if self.batch_for != "0s" and self.strategy != "rolling":
            raise _misfit("batchFor", f"is of a rolling release, but strategy is {self.strategy}", _ROLLING)
        return self

    @model_validator(mode="after")
    def _of_batches(self) -> Rollout:
        if {str(each) for each in self.replacing} <= {"0", "0%"}:
            raise _misfit("maxUnavailable", "is 0, and so is maxSurge: nothing could be replaced", "Let one be above 0.")
        if self.strategy == "rolling" and any(step.approval for step in self.steps):
            raise _misfit("steps", "need approval, but a rolling release has batches in place of steps", _NO_APPROVAL)
        if self.strategy == "rolling" and self.scale_down_delay != "0s":
            raise _misfit("scaleDownDelay", "is not for a rolling release, whose old instances end batch by batch", _NO_DELAY)
        return self

    @property
    def gates_in_vain(self) -> bool:
        """Whether it asks for gates that nothing is judged by: what is recreated has nothing beside it.

        The gates that everybody has are not asked for, and those that are all null ask for nothing.
        """
        asked = self.gates.model_dump(exclude={"advisory"})
        return self.strategy == "recreate" and self.gates != Gates.model_validate({}) and any(asked.values())

    @property
    def replacing(self) -> tuple[int | str, int | str]:
        """`maxSurge` and `maxUnavailable`, each as it was written or else as the strategy has it."""
        usual: tuple[int | str, int | str] = ("25%", "25%") if self.strategy == "rolling" else (1, 0)
        surge, unavailable = self.max_surge, self.max_unavailable
        return usual[0] if surge is None else surge, usual[1] if unavailable is None else unavailable

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
