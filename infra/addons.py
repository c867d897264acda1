"""`python -m infra.addons`: installs into a cluster what Cygni needs there, or shows how.

Helm does it, from the charts that `infra/helm/charts.toml` names and the values beside it; then kubectl applies Cygni's own
manifests. Both change nothing that is as it should be, so that it may be run again at any time. A stage is named for the
cluster of its `[eks]`, which the kubeconfig is then turned to; without one it is the cluster that the kubeconfig is turned to.

usage: python -m infra.addons [STAGE] [--run]
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.settings import Settings, SettingsRefused, load

ROOT = Path(__file__).resolve().parents[1]
HELM = ROOT / "infra" / "helm"
MANIFESTS = ("cygni-cluster-role.yaml", "cygniservices.cygni.dev.yaml", "gateway.yaml")
"""Applied after the charts, which bring the kinds that they are of."""
GROUP = "cygni"
"""The Kubernetes group that Cygni's functions are in: `infra/manifests/cygni-cluster-role.yaml` says what it may."""
AUTO_MODE = "eks-auto-mode.yaml"
"""Applied before the charts in a cluster that is made: their disks are of its class."""


@dataclass(frozen=True, slots=True)
class Chart:
    """One release of Helm. `repository` is empty for a chart that is in a registry (`oci://…`)."""

    name: str
    chart: str
    version: str
    namespace: str
    repository: str = ""

    @property
    def values(self) -> Path:
        """Its values."""
        return HELM / f"{self.name}.yaml"

    def command(self) -> list[str]:
        """What installs it, or brings it up to date."""
        repository = ["--repo", self.repository] if self.repository else []
        where = ["--namespace", self.namespace, "--create-namespace", "--version", self.version, "--values", str(self.values)]
        return ["helm", "upgrade", "--install", self.name, self.chart, *repository, *where, "--wait", "--timeout", "10m"]


def charts() -> tuple[Chart, ...]:
    """All charts in their order."""
    return tuple(Chart(**each) for each in tomllib.loads((HELM / "charts.toml").read_text())["charts"])


def commands(settings: Settings | None = None) -> Iterator[list[str]]:
    """Everything that is run, in order. With a stage's settings it is for their cluster; SettingsRefused if they have none."""
    if settings is not None:
        if settings.eks is None:
            raise SettingsRefused(
                "eks is missing: the stage names no cluster. Without a stage the present kubeconfig says which."
            )
        yield ["aws", "eks", "update-kubeconfig", "--name", settings.eks.name, "--region", settings.region]
        if settings.eks.make:
            yield _apply(AUTO_MODE)
    for chart in charts():
        yield chart.command()
    for name in MANIFESTS:
        yield _apply(name)


def _apply(name: str) -> list[str]:
    return ["kubectl", "apply", "--server-side", "-f", str(ROOT / "infra" / "manifests" / name)]


def main(arguments: list[str]) -> int:
    """Shows the commands, or runs them until one fails; the exit code is then that one's."""
    parser = argparse.ArgumentParser(prog="python -m infra.addons", description=__doc__.partition("\n")[0])
    parser.add_argument("stage", nargs="?", help="whose cluster it is; absent: the one that the kubeconfig is turned to")
    parser.add_argument("--run", action="store_true", help="run the commands; without it they are printed")
    given = parser.parse_args(arguments)
    try:
        asked = list(commands(load(given.stage) if given.stage else None))
    except SettingsRefused as refused:
        print(refused, file=sys.stderr)
        return 1
    if not given.run:
        print("\n".join(shlex.join(each) for each in asked))
        return 0
    return _run(asked)


def _run(asked: list[list[str]]) -> int:
    missing = [name for name in dict.fromkeys(each[0] for each in asked) if shutil.which(name) is None]
    if missing:
        print(
            f"{' and '.join(missing)} not found. Install it, or run elsewhere what this prints without --run.", file=sys.stderr
        )
        return 1
    for each in asked:
        print(shlex.join(each), flush=True)
        code = subprocess.run(each, check=False).returncode
        if code:
            print("It failed; what came before it stays. Mend the cause and run this again.", file=sys.stderr)
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
