"""The API's operations on applications by name: their paths and bodies are written here and nowhere else in the command.

Those on people, teams, credentials and the audit trail are in identity_api.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict, cast
from urllib.parse import quote

from cygni.cli.client import Answer, Client
from cygni.cli.shapes import (
    BuildLog,
    Config,
    Deployment,
    Environment,
    Explanation,
    Logs,
    Page,
    Plan,
    Project,
    Release,
    Replay,
    Service,
    Source,
    Timeline,
    Traffic,
    Upload,
)


class ListedFile(TypedDict, total=False):
    """One file of a listing; `text` only for those that decide how an app is built."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Place:
    """Which service is meant, by names."""

    project: str
    environment: str
    service: str

    @property
    def path(self) -> str:
        """The service's path."""
        return f"{_environments(self.project)}/{quote(self.environment, safe='')}/services/{quote(self.service, safe='')}"

    def __str__(self) -> str:
        return f"{self.project}/{self.environment}/{self.service}"


@dataclass(frozen=True, slots=True)
class Api:
    """The operations. Each raises Problem or Unreachable, and returns what the API sent."""

    client: Client

    def health(self) -> Answer:
        """The API's health and version; the only operation that needs no token."""
        return self.client.request("GET", "/v1/health", public=True)

    def check_app_file(self, text: str) -> dict[str, Any]:
        """The app file with all defaults; refused with lines and columns."""
        return cast("dict[str, Any]", self._post("/v1/app-files/check", {"text": text}))

    def draft_app_file(self, *, name: str, service: str, start: str | None, port: int = 8080) -> str:
        """The text of a starter app file."""
        answer = self._post("/v1/app-files/draft", {"name": name, "service": service, "start": start, "port": port})
        return str(answer["text"])

    def plan(self, service: str, files: Sequence[ListedFile]) -> Plan:
        """How these files would be built."""
        return cast(Plan, self._post("/v1/build-plans", {"service": service, "files": files}))

    def projects(self, *, cursor: str | None = None, limit: int = 100) -> Page[Project]:
        """A page of projects."""
        return cast("Page[Project]", self._get("/v1/projects", cursor=cursor, limit=limit))

    def project(self, name: str) -> Project:
        """One project."""
        return cast(Project, self._get(f"/v1/projects/{quote(name, safe='')}"))

    def environment(self, project: str, name: str) -> Environment:
        """One environment."""
        return cast(Environment, self._get(f"{_environments(project)}/{quote(name, safe='')}"))

    def create_project(self, name: str, *, description: str = "") -> Project:
        """Create a project; it begins with the environment `prod`."""
        return cast(Project, self._post("/v1/projects", {"name": name, "description": description}))

    def environments(self, project: str, *, cursor: str | None = None, limit: int = 100) -> Page[Environment]:
        """A page of a project's environments."""
        return cast("Page[Environment]", self._get(_environments(project), cursor=cursor, limit=limit))

    def create_environment(self, project: str, name: str, *, description: str = "") -> Environment:
        """Create an environment."""
        return cast(Environment, self._post(_environments(project), {"name": name, "description": description}))

    def freeze(self, project: str, environment: str, *, begins: str | None, until: str | None, reason: str) -> Environment:
        """Add a time in which no release begins."""
        body = {"begins": begins, "until": until, "reason": reason}
        return cast(Environment, self._post(f"{_environments(project)}/{quote(environment, safe='')}/freezes", body))

    def thaw(self, project: str, environment: str) -> Environment:
        """Lift all freezes."""
        path = f"{_environments(project)}/{quote(environment, safe='')}/freezes"
        return cast(Environment, self.client.request("DELETE", path).body)

    def services(self, project: str, environment: str, *, cursor: str | None = None, limit: int = 100) -> Page[Service]:
        """A page of an environment's services."""
        return cast("Page[Service]", self._get(_services(project, environment), cursor=cursor, limit=limit))

    def create_service(self, place: Place, *, description: str = "") -> Service:
        """Create a service."""
        return cast(
            Service,
            self._post(_services(place.project, place.environment), {"name": place.service, "description": description}),
        )

    def service(self, place: Place) -> Service:
        """A service with its live release and queue."""
        return cast(Service, self._get(place.path))

    def delete_service(self, place: Place) -> Service:
        """Begin to delete a service."""
        return cast(Service, self.client.request("DELETE", place.path).body)

    def config(self, place: Place) -> Config:
        """A service's variables."""
        return cast(Config, self._get(f"{place.path}/config"))

    def change_config(self, place: Place, *, values: dict[str, str], unset: Sequence[str]) -> Config:
        """Set and remove variables; the others stay as they are, whoever set them."""
        body = {"set": values, "unset": list(unset)}
        return cast(Config, self.client.request("PATCH", f"{place.path}/config", body=body).body)

    def create_source(self, place: Place, *, sha256: str, size: int) -> Source:
        """Announce an archive that is for one service; the answer says where to upload it."""
        body = {"sha256": sha256, "size": size, "environment": place.environment, "service": place.service}
        return cast(Source, self._post(f"/v1/projects/{quote(place.project, safe='')}/sources", body))

    def upload(self, upload: Upload, content: Callable[[], Iterable[bytes]], size: int) -> None:
        """Upload the archive that was announced."""
        self.client.upload(upload["method"], upload["url"], upload["headers"], content, size)

    def deploy(
        self, place: Place, *, source: str, message: str, commit: str, key: str, override_freeze: bool = False
    ) -> Deployment:
        """Deploy an uploaded source; the same `key` twice is one deployment."""
        body: dict[str, Any] = {"source": source, "message": message, "commit": commit}
        if override_freeze:  # older control planes do not know it
            body["override_freeze"] = True
        return cast(Deployment, self._post(f"{place.path}/deployments", body, key=key))

    def redeploy(self, place: Place, *, message: str) -> Deployment:
        """Deploy the live release's image again, with the newest config."""
        return cast(Deployment, self._post(f"{place.path}/deployments", {"redeploy": True, "message": message}))

    def roll_back(self, place: Place, *, release: int | None) -> Deployment:
        """Return to an earlier release: that one, or the one that was live before."""
        return cast(Deployment, self._post(f"{place.path}/rollback", {"release": release}))

    def deployments(self, place: Place, *, cursor: str | None = None, limit: int = 50) -> Page[Deployment]:
        """A page of deployments, newest first."""
        return cast("Page[Deployment]", self._get(f"{place.path}/deployments", cursor=cursor, limit=limit))

    def deployment(self, place: Place, deployment: str) -> Deployment:
        """One deployment."""
        return cast(Deployment, self._get(_deployment(place, deployment)))

    def timeline(self, place: Place, deployment: str, *, cursor: str | None) -> Timeline:
        """Events since the cursor."""
        return cast(Timeline, self._get(f"{_deployment(place, deployment)}/timeline", cursor=cursor))

    def traffic(self, place: Place, deployment: str) -> Traffic:
        """The live numbers of both arms since the step began; asked once only, since they are soon asked again."""
        return cast(Traffic, self.client.request("GET", f"{_deployment(place, deployment)}/traffic", patient=False).body)

    def build_log(self, place: Place, deployment: str, *, cursor: str | None) -> BuildLog:
        """Build log lines since the cursor."""
        return cast(BuildLog, self._get(f"{_deployment(place, deployment)}/build-log", cursor=cursor))

    def explanation(self, place: Place, deployment: str) -> Explanation:
        """All steps, sample by sample."""
        return cast(Explanation, self._get(f"{_deployment(place, deployment)}/explanation"))

    def replay(self, place: Place, deployment: str, limits: Mapping[str, str | float]) -> Replay:
        """The newest analyses, judged again; with other `limits`, by the API's names of them, if there are any."""
        return cast(Replay, self._get(f"{_deployment(place, deployment)}/replay", **limits))

    def steer(self, place: Place, deployment: str, verb: str) -> Deployment:
        """Ask for `promote`, `pause`, `resume` or `abort`, or decide on a proposal: `approve`, `reject`."""
        return cast(Deployment, self._post(f"{_deployment(place, deployment)}/{verb}", None))

    def releases(self, place: Place, *, cursor: str | None = None, limit: int = 50) -> Page[Release]:
        """A page of releases, newest first."""
        return cast("Page[Release]", self._get(f"{place.path}/releases", cursor=cursor, limit=limit))

    def release(self, place: Place, number: int) -> Release:
        """One release."""
        return cast(Release, self._get(f"{place.path}/releases/{number}"))

    def logs(self, place: Place, *, cursor: str | None = None, release: int | None = None, limit: int = 200) -> Logs:
        """Log lines since the cursor; without one, the last `limit` lines."""
        return cast(Logs, self._get(f"{place.path}/logs", cursor=cursor, release=release, limit=limit))

    def _get(self, path: str, **query: str | float | None) -> Any:
        return self.client.request("GET", path, query=query).body

    def _post(self, path: str, body: Any, *, key: str | None = None) -> Any:
        return self.client.request("POST", path, body=body, key=key).body


def every(page: Callable[[str | None], Page[Any]]) -> Iterator[Any]:
    """All items of a list, page after page; `page` fetches the one at a cursor."""
    cursor: str | None = None
    while True:
        answer = page(cursor)
        yield from answer["items"]
        cursor = answer.get("next_cursor")
        if not cursor:
            return


def _environments(project: str) -> str:
    return f"/v1/projects/{quote(project, safe='')}/environments"


def _services(project: str, environment: str) -> str:
    return f"{_environments(project)}/{quote(environment, safe='')}/services"


def _deployment(place: Place, deployment: str) -> str:
    return f"{place.path}/deployments/{quote(deployment, safe='')}"
