"""What a command works with: the printer, the API, and the names that say which project, environment and service are meant."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from cygni.cli.api import Api, Place
from cygni.cli.appfile import FILE_NAME, AppFile, choose_service, find_app_file, read_app_file
from cygni.cli.bearers import TOKEN_POLICY, JobBearer, LoginBearer
from cygni.cli.client import Bearer, Client, FixedToken, Policy
from cygni.cli.cluster_api import ClusterApi
from cygni.cli.credentials import Credentials
from cygni.cli.errors import Usage
from cygni.cli.identity_api import IdentityApi, TokenApi
from cygni.cli.people import People
from cygni.cli.printer import Printer
from cygni.cli.runner import runner_of
from cygni.cli.runtime import Runtime
from cygni.cli.settings import Context, Means, choose_context, config_path, keyring_allowed

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
    _clients: list[Client] = field(default_factory=list)

    @cached_property
    def context(self) -> Context:
        """The control plane in use, and what signs in there. Raises NotSignedIn or Usage."""
        return choose_context(self.runtime.environ, self.asked.context)

    @cached_property
    def credentials(self) -> Credentials:
        """Where logins are kept. Raises Usage."""
        environ = self.runtime.environ
        return Credentials(config_path(environ).parent, self.runtime.keyring, keyring_allowed(environ))

    @cached_property
    def bearer(self) -> Bearer:
        """What signs requests in. Raises NotSignedIn or Usage."""
        return self.bearer_of(self.context)

    def bearer_of(self, context: Context) -> Bearer:
        """What signs requests in at any control plane. Raises Usage."""
        if context.means is Means.LOGIN:
            return LoginBearer(context, self.credentials, self.token_api(context), self.runtime.now)
        runner = runner_of(self.runtime.environ)
        if context.means is Means.ACTIONS and runner is not None:
            return JobBearer(context, runner, self.token_api(context), self.runtime.now)
        return FixedToken(context.token, context.source)

    @cached_property
    def client(self) -> Client:
        """What speaks to the API, signed in."""
        return self._client(self.context, self.runtime.policy, self.bearer)

    @cached_property
    def api(self) -> Api:
        """The API's operations on applications."""
        return Api(self.client)

    @cached_property
    def identity(self) -> IdentityApi:
        """The API's operations on people, teams, credentials and the audit trail."""
        return IdentityApi(self.client)

    @cached_property
    def clusters(self) -> ClusterApi:
        """The API's operations on clusters."""
        return ClusterApi(self.client)

    @cached_property
    def people(self) -> People:
        """Names for ids."""
        return People(self.identity)

    def identity_at(self, context: Context) -> IdentityApi:
        """The operations on people and teams at any control plane."""
        return IdentityApi(self._client(context, self.runtime.policy, self.bearer_of(context)))

    def token_api(self, context: Context) -> TokenApi:
        """The operations that give tokens, at a control plane that nobody need be signed in at."""
        return TokenApi(self._client(context, TOKEN_POLICY.within(self.runtime.policy), FixedToken("")))

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
        for client in self._clients:
            client.close()

    def _client(self, context: Context, policy: Policy, bearer: Bearer) -> Client:
        self._clients.append(Client(context, policy, self.runtime.sleep, bearer=bearer))
        return self._clients[-1]

    def _service(self) -> str:
        if self.app_file is not None and self.app_file.name == self.project:
            return choose_service(self.app_file, self.asked.service)
        if self.asked.service is not None:
            return self.asked.service
        there = self.api.services(self.project, self.environment, limit=2)["items"]
        return there[0]["name"] if len(there) == 1 else DEFAULT_SERVICE
