"""What an operator decides about an installation: a file for each stage, `stages/<stage>.toml`, checked before all else.

A setting that is missing, unknown or wrong raises SettingsRefused, which names each one by its path (`api.domain`), the file,
and what it should be.
"""

from __future__ import annotations

import re
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

FOLDER = Path(__file__).parent / "stages"
LOG_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
"""The days that CloudWatch can keep logs for."""

Region = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")]
Account = Annotated[str, StringConstraints(pattern=r"^\d{12}$")]
Domain = Annotated[str, StringConstraints(pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$", max_length=253)]
Zone = Annotated[str, StringConstraints(pattern=r"^Z[A-Z0-9]{4,31}$")]
Email = Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=254)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]+(/\S*)?$")]
EksName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$")]
Repository = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9-]+(/[A-Za-z0-9_.-]+|@[0-9]+/[A-Za-z0-9_.-]+@[0-9]+)$", max_length=200)
]
Cidr = Annotated[str, StringConstraints(pattern=r"^(\d{1,3}\.){3}\d{1,3}/\d{1,2}$")]
Image = Annotated[str, StringConstraints(pattern=r"^[a-z0-9.-]+(:\d+)?(/[a-z0-9._-]+)+(:[\w.-]+)?(@sha256:[0-9a-f]{64})?$")]
Arn = Annotated[str, StringConstraints(pattern=r"^arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:[^:]*:.+$")]


class SettingsRefused(ValueError):
    """Settings that nothing can be synthesized from; its lines name each setting and say what to do."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Site(_Part):
    """A public name, and the Route 53 zone that holds it."""

    domain: Domain = Field(description="Host name.")
    zone: Zone = Field(description="Id of the hosted zone that the name is written to.")
    zone_name: Domain = Field(description="Name of that zone.")

    @model_validator(mode="after")
    def _inside(self) -> Site:
        if self.domain != self.zone_name and not self.domain.endswith(f".{self.zone_name}"):
            raise ValueError(f"domain must be {self.zone_name} (zone_name) or end with .{self.zone_name}")
        return self


class Data(_Part):
    """What is kept."""

    protect: bool = Field(
        description="Whether removing the stack keeps tables, buckets and the key, and deleting a table is refused."
    )
    source_days: int = Field(default=90, ge=1, le=3650, description="Days that sources, plans and logs of builds are kept.")
    replica_region: Region | None = Field(default=None, description="Region that the bucket is copied to; absent: none.")
    _first: bool = PrivateAttr(default=False)

    @property
    def guarded(self) -> bool:
        """Whether deleting is refused: of what is protected, from the second deploy on."""
        return self.protect and not self._first


class Api(_Part):
    """The HTTP API."""

    site: Site | None = Field(default=None, description="Its own name; absent: the name that API Gateway gives.")
    requests_per_second: int = Field(
        default=100, ge=1, le=10000, description="Requests that all callers together may make in a second."
    )
    logging_role: bool = Field(
        default=True,
        description="Whether API Gateway's role for logs is set, for all APIs of account and region; false: it is set already.",
    )
    burst: int = Field(default=200, ge=1, le=5000, description="Requests that may come at once.")
    firewall: bool = Field(default=True, description="Whether a web ACL stands before the API.")
    firewall_rate: int = Field(
        default=2000, ge=100, le=2_000_000_000, description="Requests that one address may make in five minutes."
    )


class Builds(_Part):
    """Where images are made."""

    size: Literal["SMALL", "MEDIUM", "LARGE"] = Field(default="SMALL", description="Compute of a build.")
    minutes: int = Field(default=30, ge=5, le=480, description="Minutes a build may take.")
    at_once: int = Field(default=20, ge=1, le=1000, description="Builds that may run at the same time.")
    keep_images: int = Field(default=100, ge=2, le=10000, description="Images that a repository keeps.")
    executor: Image | None = Field(
        default=None, description="Image that makes the images, of one version or digest; absent: the version that Cygni names."
    )

    @field_validator("executor")
    @classmethod
    def _pinned(cls, executor: str | None) -> str | None:
        tag = executor.rpartition("/")[2].partition("@")[0].partition(":")[2] if executor else ""
        if executor and "@" not in executor and tag in ("", "latest", "debug", "slim"):
            raise ValueError(f"{executor} is another image from day to day: name a version (:v1.28.5) or a digest (@sha256:…)")
        return executor

    def told(self) -> dict[str, str]:
        """What functions are told of them."""
        executor = {"CYGNI_KANIKO_IMAGE": self.executor} if self.executor else {}
        return {"CYGNI_BUILD_TIMEOUT": str(self.minutes * 60), **executor}


class Cluster(_Part):
    """Where services are reached and watched. Clusters themselves are registered with the API (`cygni clusters add`)."""

    apps_domain: Domain = Field(description="Domain under which services get their host names.")
    metrics_url: Url | None = Field(
        default=None,
        description="Prometheus of the installation's own cluster, reachable from Lambda; absent: none there is judged.",
    )


class Release(_Part):
    """How a release of Cygni itself takes over from the one before."""

    shift: Literal[
        "ALL_AT_ONCE",
        "CANARY_10PERCENT_5MINUTES",
        "CANARY_10PERCENT_10MINUTES",
        "CANARY_10PERCENT_15MINUTES",
        "CANARY_10PERCENT_30MINUTES",
        "LINEAR_10PERCENT_EVERY_1MINUTE",
        "LINEAR_10PERCENT_EVERY_2MINUTES",
        "LINEAR_10PERCENT_EVERY_3MINUTES",
        "LINEAR_10PERCENT_EVERY_10MINUTES",
    ] = Field(
        default="CANARY_10PERCENT_5MINUTES", description="How the traffic of the API, and new deployments, move to a release."
    )
    snap_start: bool = Field(
        default=False, description="Whether the API's function starts from a snapshot, which is paid for by the hour."
    )


class Alarms(_Part):
    """Who hears of what goes wrong."""

    email: Email | None = Field(
        default=None, description="Address that alarms are sent to; absent: the topic has no subscriber."
    )
    functions_at_once: int = Field(
        default=800, ge=1, description="Functions at once from which on somebody is told: four fifths of the account's quota."
    )


class Delivery(_Part):
    """The workflow that deploys releases: docs/delivery.md."""

    repository: Repository = Field(
        description="Repository on GitHub whose workflow deploys, as its tokens name it: owner/name, or owner@1234/name@5678."
    )
    environment: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]+$", max_length=255)] = Field(
        description="The repository's environment, whose approval a deploy needs."
    )
    provider: Arn | None = Field(
        default=None, description="The account's provider of GitHub's tokens; absent: it has none, and one is made."
    )


class Limits(_Part):
    """How much one caller or one team may have, by the names of the settings of docs/reference.md; absent: their defaults."""

    requests_per_minute: int | None = Field(default=None, ge=1, description="Requests that one caller may make in a minute.")
    quota_teams: int | None = Field(default=None, ge=1, description="Teams that one person may have founded.")
    quota_projects: int | None = Field(default=None, ge=1, description="Projects that a team may have.")
    quota_services: int | None = Field(default=None, ge=1, description="Services that a team may have.")
    quota_previews: int | None = Field(default=None, ge=1, description="Preview environments that a team may have.")
    reconcile_shards: int | None = Field(
        default=None, ge=1, le=64, description="Functions that share the namespaces of each cluster between them."
    )

    def told(self) -> dict[str, str]:
        """What functions are told of them."""
        return {f"CYGNI_{name.upper()}": str(value) for name, value in self if value is not None}


class Console(_Part):
    """A place for a console, a static page. Cygni has none yet to put there."""

    make: bool = Field(default=False, description="Whether there is a bucket and a distribution for a page of your own.")
    site: Site | None = Field(default=None, description="Its own name; absent: the name that CloudFront gives.")
    certificate: Arn | None = Field(
        default=None, description="Certificate for that name, in us-east-1, where CloudFront reads it."
    )

    @model_validator(mode="after")
    def _certified(self) -> Console:
        if (self.site is None) != (self.certificate is None):
            raise ValueError("site and certificate go together: set both or neither")
        if self.site is not None and not self.make:
            raise ValueError("site is of no use while make is false: set make = true, or take site away")
        return self


class Eks(_Part):
    """An EKS cluster of this account and region that services run on: one that is there, or one that is made."""

    name: EksName = Field(description="Its name.")
    make: bool = Field(default=False, description="Whether it is made with the installation: network, nodes, and all.")
    version: Annotated[str, StringConstraints(pattern=r"^1\.\d{2}$")] = Field(
        default="1.34", description="Kubernetes of one that is made."
    )
    operators: list[Arn] = Field(
        default=[], description="Roles that administer one that is made: nobody else reaches it at first, whoever made it."
    )
    admits: list[Cidr] = Field(
        default=["0.0.0.0/0"], description="Addresses that its API answers to; Lambda has none of its own."
    )

    @model_validator(mode="after")
    def _administered(self) -> Eks:
        if self.make and not self.operators:
            raise ValueError("operators must name a role: it installs the add-ons, and nobody else could")
        return self


class Standby(_Part):
    """A second region that takes over when this one is lost. What it is and does: docs/regions.md."""

    region: Region = Field(description="Region that stands by.")
    probe_seconds: Literal[10, 30] = Field(default=30, description="Seconds between two looks of Route 53 at a region.")
    failures: int = Field(default=3, ge=1, le=10, description="Looks that must fail before names lead elsewhere.")


class Settings(_Part):
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
