"""The parts of a stage's settings: each is a table of its file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, StringConstraints, field_validator, model_validator

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


class Part(BaseModel):
    """A table whose names are all known, and whose values are of their types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Site(Part):
    """A public name, and the Route 53 zone that holds it."""

    domain: Domain = Field(description="Host name.")
    zone: Zone = Field(description="Id of the hosted zone that the name is written to.")
    zone_name: Domain = Field(description="Name of that zone.")

    @model_validator(mode="after")
    def _inside(self) -> Site:
        if self.domain != self.zone_name and not self.domain.endswith(f".{self.zone_name}"):
            raise ValueError(f"domain must be {self.zone_name} (zone_name) or end with .{self.zone_name}")
        return self


class Data(Part):
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


class Api(Part):
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


class Builds(Part):
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


class Cluster(Part):
    """Where services are reached and watched. Clusters themselves are registered with the API (`cygni clusters add`)."""

    apps_domain: Domain = Field(description="Domain under which services get their host names.")
    metrics_url: Url | None = Field(
        default=None,
        description="Prometheus of the installation's own cluster, reachable from Lambda; absent: none there is judged.",
    )


class Release(Part):
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


class Alarms(Part):
    """Who hears of what goes wrong."""

    email: Email | None = Field(
        default=None, description="Address that alarms are sent to; absent: the topic has no subscriber."
    )
    functions_at_once: int = Field(
        default=800, ge=1, description="Functions at once from which on somebody is told: four fifths of the account's quota."
    )


class Delivery(Part):
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


class Limits(Part):
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


class Console(Part):
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


class Eks(Part):
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


class Standby(Part):
    """A second region that takes over when this one is lost. What it is and does: docs/regions.md."""

    region: Region = Field(description="Region that stands by.")
    probe_seconds: Literal[10, 30] = Field(default=30, description="Seconds between two looks of Route 53 at a region.")
    failures: int = Field(default=3, ge=1, le=10, description="Looks that must fail before names lead elsewhere.")
