"""`python -m tools.validate_asl [FILE…]`: checks the state machines by the language's own validator and by the house rules.

The validator is the npm package `asl-validator`, locked in tools/asl, run by the Node that comes as a wheel. It is installed
at first use and works without a network after that. Exit code 1 when something is wrong, with a line for each fault.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from chalicelib.platform import errors
from functions.catalog import API_FUNCTION, FUNCTIONS, STATE_MACHINES
from infra.node import install_locked, locked_node
from tools.asl_rules import Known, broken_rules

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "tools" / "asl"
_VALIDATOR = PACKAGE / "node_modules" / "asl-validator" / "dist" / "bin" / "asl-validator.js"


def main(arguments: list[str]) -> int:
    """Checks the files given, or all in state_machines/."""
    files = [Path(each) for each in arguments] or sorted((ROOT / "state_machines").glob("*.asl.json"))
    faults = [f"{file}: {sentence}" for file in files for sentence in broken_rules(file.read_text(), known())]
    faults += language_faults(files)
    if not arguments:
        faults += _missing(files)
    for fault in faults:
        print(fault)
    print(f"{len(files)} state machines, {len(faults)} faults")
    return 1 if faults else 0


def known() -> Known:
    """What the catalog and the error tree declare."""
    functions = {each.name: each.timeout for each in (*FUNCTIONS, API_FUNCTION)}
    return Known(functions, {each.name for each in STATE_MACHINES}, _names_of(errors.CygniError) | {"ConditionFailed"})


def _names_of(kind: type[errors.CygniError]) -> set[str]:
    return {kind.__name__}.union(*(_names_of(each) for each in kind.__subclasses__()))


def language_faults(files: list[Path]) -> list[str]:
    """What the validator of the Amazon States Language says against each file, with placeholders standing for ARNs."""
    install_locked(PACKAGE)
    with tempfile.TemporaryDirectory() as folder:
        faults = []
        for file in files:
            concrete = Path(folder) / file.name
            concrete.write_text(_with_arns(file.read_text()))
            run = subprocess.run(
                [_node(), str(_VALIDATOR), "--json-path", str(concrete)],
                capture_output=True,
                text=True,
                check=False,
                timeout=300,
            )
            if run.returncode != 0:
                faults.append(f"{file}: {(run.stdout + run.stderr).strip()}")
        return faults


def _node() -> str:
    return str(locked_node() or "node")


def _with_arns(text: str) -> str:
    for each in (*FUNCTIONS, API_FUNCTION):
        text = text.replace(f"${{{each.name}}}", f"arn:aws:lambda:us-east-1:000000000000:function:{each.name}")
    for machine in STATE_MACHINES:
        arn = f"arn:aws:states:us-east-1:000000000000:stateMachine:{machine.deployed_name}"
        text = text.replace(f"${{machine:{machine.name}}}", arn)
    return text


def _missing(files: list[Path]) -> list[str]:
    """Definitions that the catalog does not know, and machines of the catalog without a definition."""
    found = {file.name.removesuffix(".asl.json") for file in files}
    declared = {machine.name for machine in STATE_MACHINES}
    return [f"{name}: it is in state_machines/ or in the catalog, not in both." for name in sorted(found ^ declared)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
