"""`python -m infra.addons`: installs into the cluster of the present kubeconfig what Cygni needs there, or shows how.

Helm does it, from the charts that `infra/helm/charts.toml` names and the values beside it; then kubectl applies Cygni's own
manifests. Both change nothing that is as it should be, so that it may be run again at any time.

usage: python -m infra.addons [--run]
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

ROOT = Path(__file__).resolve().parents[1]
HELM = ROOT / "infra" / "helm"
MANIFESTS = ("cygni-cluster-role.yaml", "cygniservices.cygni.dev.yaml", "gateway.yaml")
"""Applied after the charts, which bring the kinds that they are of."""


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


def commands() -> Iterator[list[str]]:
    """Everything that is run, in order."""
    for chart in charts():
        yield chart.command()
    for name in MANIFESTS:
        yield ["kubectl", "apply", "--server-side", "-f", str(ROOT / "infra" / "manifests" / name)]


def main(arguments: list[str]) -> int:
    """Shows the commands, or runs them until one fails; the exit code is then that one's."""
    parser = argparse.ArgumentParser(prog="python -m infra.addons", description=__doc__.partition("\n")[0])
    parser.add_argument("--run", action="store_true", help="run the commands; without it they are printed")
    given = parser.parse_args(arguments)
    if not given.run:
        print("\n".join(shlex.join(each) for each in commands()))
        return 0
    missing = [name for name in ("helm", "kubectl") if shutil.which(name) is None]
    if missing:
        print(
            f"{' and '.join(missing)} not found. Install it, or run elsewhere what this prints without --run.", file=sys.stderr
        )
        return 1
    for each in commands():
        print(shlex.join(each), flush=True)
        code = subprocess.run(each, check=False).returncode
        if code:
            print("It failed; what came before it stays. Mend the cause and run this again.", file=sys.stderr)
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
