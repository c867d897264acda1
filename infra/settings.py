"""What an operator decides about an installation: a file for each stage, `stages/<stage>.toml`, checked before all else.

A setting that is missing, unknown or wrong raises SettingsRefused, which names each one by its path (`api.domain`), the file,
and what it should be.
"""

from __future__ import annotations

import re
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError, model_validator

from infra.sections import (
    Account,
    Alarms,
    Api,
    Builds,
    Cluster,
    Console,
    Data,
    Delivery,
    Eks,
    Limits,
    Part,
    Region,
    Release,
    Sha256,
    Standby,
)

FOLDER = Path(__file__).parent / "stages"
LOG_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
"""The days that CloudWatch can keep logs for."""


class SettingsRefused(ValueError):
    """Settings that nothing can be synthesized from; its lines name each setting and say what to do."""


class Settings(Part):
    """All of a stage. One stage is one account, and one region or a pair of them."""

    region: Region = Field(description="Region that this installation writes to.")
    account: Account | None = Field(
        default=None, description="Account it is for; absent: that of the credentials which deploy it."
    )
    architecture: Literal["arm64", "x86_64"] = Field(
        default="arm64", description="Processor of the functions; arm64 costs a fifth less."
    )
    admin_key_sha256: Sha256 | None = Field(
        default=None, description="SHA-256 of the operator's key, in hex; absent: nobody has the operator's rights."
    )
    tracing: bool = Field(default=False, description="Whether calls are traced with X-Ray, which is billed by the trace.")
    log_days: int = Field(default=30, description="Days that logs are kept.")
    data: Data
    api: Api = Field(default=Api())
    builds: Builds = Field(default=Builds())
    cluster: Cluster
    release: Release = Field(default=Release())
    alarms: Alarms
    console: Console = Field(default=Console())
    limits: Limits = Field(default=Limits())
    delivery: Delivery | None = Field(default=None, description="The workflow that deploys; absent: people do.")
    eks: Eks | None = Field(default=None, description="A cluster of the account's own; absent: clusters are registered alone.")
    standby: Standby | None = Field(default=None, description="A region that stands by; absent: none.")

    @property
    def replica_region(self) -> str | None:
        """The region that data is copied to."""
        return self.standby.region if self.standby else self.data.replica_region

    def for_first_deploy(self) -> Settings:
        """The same, but that nothing refuses to be deleted, so that CloudFormation can take back what it made when it fails."""
        data = self.data.model_copy()
        data._first = True
        return self.model_copy(update={"data": data})

    @model_validator(mode="after")
    def _consistent(self) -> Settings:
        if self.log_days not in LOG_DAYS:
            raise ValueError(f"log_days must be one of {', '.join(map(str, LOG_DAYS))}, not {self.log_days}")
        if self.data.replica_region == self.region:
            raise ValueError(f"data.replica_region must be another region than region ({self.region})")
        if self.standby:
            self._check_standby(self.standby)
        return self

    def _check_standby(self, standby: Standby) -> None:
        if standby.region == self.region:
            raise ValueError(f"standby.region must be another region than region ({self.region})")
        if self.api.site is None:
            raise ValueError("standby needs api.site: it is the name that leads to the region which acts")
        if self.data.replica_region not in (None, standby.region):
            raise ValueError(f"data.replica_region must be absent or {standby.region} (standby.region), where all data goes")


def stages(folder: Path = FOLDER) -> list[str]:
    """Names of the stages that have a file."""
    return sorted(path.stem for path in folder.glob("*.toml"))


def load(stage: str, folder: Path = FOLDER) -> Settings:
    """The settings of a stage. Raises SettingsRefused."""
    if stage not in stages(folder):
        raise SettingsRefused(f"There is no stage {stage!r}: {folder} has {', '.join(stages(folder)) or 'none'}.")
    path = folder / f"{stage}.toml"
    try:
        given = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise SettingsRefused(f"{path} is not TOML: {error}.") from None
    return parse(given, str(path))


def parse(given: dict[str, Any], source: str) -> Settings:
    """Settings from values; `source` says in errors where they stand. Raises SettingsRefused."""
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        lines = [_sentence(each) for each in error.errors(include_url=False, include_context=True)]
        raise SettingsRefused("\n".join([f"{source} cannot be used:", *(f"  {line}" for line in lines)])) from None


def _sentence(error: Any) -> str:
    path = ".".join(str(part) for part in error["loc"])
    known = _field(error["loc"])
    meaning = f" {known}" if known else ""
    if error["type"] == "missing":
        return f"{path} is missing.{meaning}"
    if error["type"] == "extra_forbidden":
        return f"{path} is no setting.{_nearest(error['loc'])}"
    reason = re.sub(r"^Value error, ", "", error["msg"])
    if error["type"] == "value_error":
        return f"{path + ': ' if path else ''}{reason}."
    return f"{path}: {reason}, not {error['input']!r}.{meaning}"


def _model(loc: tuple[Any, ...]) -> type[BaseModel] | None:
    """The model that a path's last name stands in."""
    model: Any = Settings
    for name in loc[:-1]:
        field = model.model_fields.get(name)
        kinds = [field.annotation, *getattr(field.annotation, "__args__", ())] if field else []
        model = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
        if model is None:
            return None
    return model  # type: ignore[no-any-return]


def _field(loc: tuple[Any, ...]) -> str:
    model = _model(loc)
    field = model.model_fields.get(loc[-1]) if model and loc else None
    return field.description or "" if field else ""


def _nearest(loc: tuple[Any, ...]) -> str:
    model = _model(loc)
    names = list(model.model_fields) if model else []
    near = get_close_matches(str(loc[-1]), names, 1)
    return f" Did you mean {near[0]}?" if near else f" Here may stand: {', '.join(names)}." if names else ""
