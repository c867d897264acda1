"""What a command works with: the printer, the API, and the names that say which project, environment and service are meant."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from cygni.cli.api import Api, Place
from cygni.cli.appfile import FILE_NAME, AppFile, choose_service, find_app_file, read_app_file
from cygni.cli.client import Client
from cygni.cli.errors import Usage
from cygni.cli.printer import Printer
from cygni.cli.runtime import Runtime
from cygni.cli.settings import Context, choose_context

DEFAULT_ENVIRONMENT = "prod"
DEFAULT_SERVICE = "web"


@dataclass(frozen=True)
class Asked:
    """What the command line named; None where a default applies."""

    context: str | None = None
    project: str | None = None
    environment: str | None = None
    service: str | None = None


@dataclass(frozen=True)
class Session:
    """One run of one command. Everything is found out when it is first asked for, so that `version` needs no network."""

    runtime: Runtime
    printer: Printer
    asked: Asked

    @cached_property
    def context(self) -> Context:
        """The control plane in use. Raises NotSignedIn or Usage."""
        return choose_context(self.runtime.environ, self.asked.context)

    @cached_property
    def api(self) -> Api:
        """The API's operations."""
        return Api(Client(self.context, policy=self.runtime.policy, sleep=self.runtime.sleep))

    @cached_property
    def app_file(self) -> AppFile | None:
        """The nearest cygni.yaml, if there is one. Raises Usage when it is not YAML."""
        path = find_app_file(self.runtime.folder)
        return read_app_file(path) if path else None

    @cached_property
    def project(self) -> str:
        """The project: `--project`, or the name in cygni.yaml."""
        name = self.asked.project or (self.app_file.name if self.app_file else "")
        if not name:
            where = f"{FILE_NAME} has no name" if self.app_file else f"there is no {FILE_NAME} here"
            raise Usage(f"Which project? {where}.", remedy="Name it with --project, or write the file with `cygni init`.")
        return name

    @cached_property
    def environment(self) -> str:
        """The environment: `--environment`, or `prod`."""
        return self.asked.environment or DEFAULT_ENVIRONMENT

    @cached_property
    def place(self) -> Place:
        """The service: `--service`, the only one, or `web`."""
        return Place(self.project, self.environment, self._service())

    def close(self) -> None:
        """Close what was opened."""
        if "api" in self.__dict__:
            self.api.client.close()

    def _service(self) -> str:
        if self.app_file is not None and self.app_file.name == self.project:
            return choose_service(self.app_file, self.asked.service)
        if self.asked.service is not None:
            return self.asked.service
        there = self.api.services(self.project, self.environment, limit=2)["items"]
        return there[0]["name"] if len(there) == 1 else DEFAULT_SERVICE
