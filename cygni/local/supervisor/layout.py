"""Where the embedded cloud keeps things, and which ports it has; both survive a restart."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from cygni.local.files import kept
from cygni.local.freeports import free_port, is_free

API_PORT, APPS_PORT = 8787, 8080
"""The ports that are tried first, since people remember them."""


def default_state(environ: Mapping[str, str]) -> Path:
    """`$XDG_STATE_HOME/cygni`, by default `~/.local/state/cygni`."""
    base = environ.get("XDG_STATE_HOME") or str(Path(environ.get("HOME") or Path.home()) / ".local" / "state")
    return Path(base) / "cygni"


@dataclass(frozen=True, slots=True)
class Ports:
    """Loopback ports: the HTTP API, the apps' gateway and its admin page, the embedded AWS, the cluster's API,
    the identity provider.
    """

    api: int
    apps: int
    admin: int
    aws: int
    cluster: int
    idp: int


@dataclass(frozen=True, slots=True)
class Layout:
    """The files of one embedded cloud, all below its state folder."""

    state: Path

    @property
    def ports_file(self) -> Path:
        """The ports it has."""
        return self.state / "ports.json"

    @property
    def lock_file(self) -> Path:
        """Held by the supervisor that runs."""
        return self.state / "lock"

    @property
    def logs(self) -> Path:
        """What each process wrote."""
        return self.state / "logs"

    @property
    def images(self) -> Path:
        """The image store."""
        return self.state / "images"

    @property
    def kubeconfig(self) -> Path:
        """How the cluster is reached."""
        return self.state / "kubeconfig"

    @property
    def admin_key(self) -> Path:
        """The admin API key."""
        return self.state / "admin-key"

    @property
    def cluster_token(self) -> Path:
        """The token of the cluster's API."""
        return self.state / "cluster-token"

    @property
    def idp_client_secret(self) -> Path:
        """What the control plane proves itself with to the identity provider."""
        return self.state / "idp-client-secret"

    def prepare(self) -> None:
        """Makes the folders, readable by their owner only."""
        self.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        for folder in (self.logs, self.images, self.state / "cloud", self.state / "cluster"):
            folder.mkdir(exist_ok=True)

    def claim(self, cluster: str) -> str:
        """The kind of cluster that this state belongs to: that of its first start, which is now if there was none."""
        mark = self.state / "cluster-kind"
        if not mark.exists():
            mark.write_text("embedded" if (self.state / "cluster" / "api").exists() else cluster)
        return mark.read_text().strip()

    def secret(self, path: Path, prefix: str = "") -> str:
        """The secret in a file; made, once, with 256 random bits when there is none."""
        new = prefix + secrets.token_urlsafe(32)
        return kept(path, new.encode).decode().strip()

    def ports(self, *, api: int | None = None, apps: int | None = None) -> tuple[Ports, list[str]]:
        """The ports to use, and a sentence for each that had to change: those of last time where they are free.

        Without a wish a first start has the usual ones; a wish for 0 is one for any.
        """
        known = json.loads(self.ports_file.read_text()) if self.ports_file.exists() else {}
        wanted = {
            "api": api or known.get("api") or (API_PORT if api is None else None),
            "apps": apps or known.get("apps") or (APPS_PORT if apps is None else None),
            "admin": known.get("admin"),
            "aws": known.get("aws"),
            "cluster": known.get("cluster"),
            "idp": known.get("idp"),
        }
        taken: set[int] = set()
        chosen: dict[str, int] = {}
        said = []
        for name, port in wanted.items():
            chosen[name] = port if port and port not in taken and is_free(port) else free_port(taken)
            taken.add(chosen[name])
            if port and chosen[name] != port and name in _NAMES:
                said.append(f"Port {port} is taken, so the {_NAMES[name]} has port {chosen[name]}.")
        ports = Ports(**chosen)
        self.ports_file.write_text(json.dumps(asdict(ports)))
        return ports, said


_NAMES = {"api": "API", "apps": "gateway", "idp": "identity provider"}
"""Those whose port people see, in addresses that they keep or that name who vouched for them."""
