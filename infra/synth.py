"""`make synth`: synthesizes the stages and has the templates judged. Prints where they are; fails on a finding.

usage: python -m infra.synth [STAGE …]
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from infra import packages
from infra.charts import is_published
from infra.findings import judged
from infra.layers import RUNTIME_LAYER
from infra.places import misplaced
from infra.promises import unlogged, unpinned
from infra.settings import load, stages
from infra.sizes import entries, size_of, too_large
from infra.trusts import borrowable, too_open

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build" / "cdk"
AGAIN = ROOT / "build" / "again"
"""Where one stage is synthesized a second time, from a copy of the code: beside FOLDER, all of which is for use."""
_CODE = ("app.py", "chalicelib", "functions", "infra", "requirements.txt", "state_machines")
_FULLEST = "full"


def synthesize(stage: str, out: Path, root: Path = ROOT) -> list[str]:
    """Synthesizes one stage in a process of its own. Answers what cdk-nag, CloudFormation's rules or the settings refuse."""
    command = [sys.executable, str(root / "infra" / "app.py")]
    shutil.rmtree(out, ignore_errors=True)  # a stack that a switch has turned off would be judged and deployed
    environment = {"CYGNI_STAGE": stage, "CDK_OUTDIR": str(out)}
    done = subprocess.run(command, env={**_environment(), **environment}, capture_output=True, text=True, check=False)
    if done.returncode == 0 and "WARNING" not in done.stderr + done.stdout:
        return []
    return told(done.stderr + done.stdout)


def copied(to: Path, root: Path = ROOT) -> Path:
    """A copy of what a synthesis reads, as another machine would have it: in another folder, dated now, with no code packed.

    The layers come along: they are named by the lock, and would be fetched again.
    """
    shutil.rmtree(to, ignore_errors=True)
    packed = to / "build" / "packages"
    packed.mkdir(parents=True)
    for path in (root / "build" / "packages").glob("*.zip"):
        if not path.name.startswith("code-"):
            (packed / path.name).symlink_to(path)
    for name in _CODE:
        if (root / name).is_file():
            shutil.copyfile(root / name, to / name)
        else:
            left_out = shutil.ignore_patterns("__pycache__", "node_modules")
            shutil.copytree(root / name, to / name, ignore=left_out, copy_function=shutil.copyfile)
    return to


def told(output: str) -> list[str]:
    """What of a synthesis's output says why it was refused, without the traces of CDK's kernel."""
    kept = output.partition("jsii.errors")[0]
    lines = [line for line in kept.splitlines() if line.strip() and not line.startswith("Creating deployment package")]
    return lines or [re.sub(r"\s+", " ", output[-2000:])]


def differences(one: Path, other: Path) -> list[str]:
    """The files of two syntheses of one stage that are not the same bytes: there must be none."""
    names = {path.name for folder in (one, other) for path in folder.glob("*.json")}
    unlike = [name for name in sorted(names) if _bytes(one / name) != _bytes(other / name)]
    return [f"{one.name}: {name} differs from one synthesis to the next" for name in unlike]


def pages_missing(*folders: Path) -> list[str]:
    """Alarms that name no page which is there, and pages that no alarm names."""
    said = {
        name: str(each["Properties"].get("AlarmDescription", ""))
        for folder in folders
        for path in folder.glob("*.template.json")
        for name, each in json.loads(path.read_text()).get("Resources", {}).items()
        if each["Type"] == "AWS::CloudWatch::Alarm"
    }
    pages = {str(path.relative_to(ROOT)) for path in (ROOT / "docs" / "runbooks").glob("*.md")}
    lost = [f"alarm {name} names no page of docs/runbooks" for name, told in said.items() if not _named(told, pages)]
    return lost + [
        f"{page} is named by no alarm" for page in sorted(pages) if said and not any(page in told for told in said.values())
    ]


def unpublished(template: dict[str, Any]) -> list[str]:
    """Metrics that an alarm names and that neither AWS nor Cygni publishes: it would never sound."""
    found = []
    for name, each in template.get("Resources", {}).items():
        if each["Type"] == "AWS::CloudWatch::Alarm":
            told = each["Properties"]
            namespace, metric = told.get("Namespace"), told.get("MetricName")
            dimensions = [one["Name"] for one in told.get("Dimensions", ())]
            if namespace and not is_published(namespace, metric, dimensions):
                by = f" by {', '.join(dimensions)}" if dimensions else ""
                found.append(f"alarm {name} is on {namespace} {metric}{by}, which nothing publishes")
    return found


def _named(told: str, pages: set[str]) -> bool:
    return any(told.endswith(page) for page in pages)


def architectures(names: list[str]) -> list[str]:
    """The processors that these stages are for."""
    return sorted({load(name).architecture for name in names})


def _bytes(path: Path) -> bytes | None:
    """What a file says, but for the folder that CDK's kernel happened to run in: traces in the metadata name it."""
    return re.sub(rb"jsii-kernel-\w+", b"", path.read_bytes()) if path.exists() else None


def _environment() -> dict[str, str]:
    import os

    return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_"))}


def main(names: list[str]) -> None:
    """All stages, two at once, then the judges; ends with 1 when there is a finding."""
    begun = time.monotonic()
    made = {each: (packages.code().path, packages.layer(RUNTIME_LAYER, each).path) for each in architectures(names)}
    twice = _FULLEST if _FULLEST in names else names[0]
    asked = [(name, FOLDER / name, ROOT) for name in names] + [(twice, AGAIN / twice, copied(AGAIN / "code"))]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda each: synthesize(*each), asked))
    found = [f"{name}: {line}" for (name, *_), lines in zip(asked, answers, strict=True) for line in lines]
    missing = pages_missing(*(folder for _, folder, _ in asked))
    all_asked = set(names) >= set(stages())  # else a page's alarm may be in a stage that was not asked for
    found += [line for line in missing if all_asked or "is named by no alarm" not in line]
    found += [
        f"{folder.name}/{path.name}: {line}"
        for _, folder, _ in asked[: len(names)]
        for path in sorted(folder.glob("*.template.json"))
        for judge in (unpinned, unpublished, too_open, borrowable, *((unlogged,) if load(folder.name).api.logging_role else ()))
        for line in judge(json.loads(path.read_text()))
    ]
    found += [
        f"{name}: {line}"
        for (name, folder, _), refused in zip(asked[: len(names)], answers, strict=False)
        if not refused
        for line in misplaced(json.loads((folder / "manifest.json").read_text()), load(name))
    ]
    found += too_large({each: size_of(entries(*zips)) for each, zips in made.items()})
    found += differences(FOLDER / twice, AGAIN / twice)
    for name in names:
        if not any(line.startswith(f"{name}: ") for line in found):
            found += [f"{name}: {line}" for line in judged(FOLDER / name)]
            count = len(list((FOLDER / name).glob("*.template.json")))
            print(f"{name}: {count} templates in {(FOLDER / name).relative_to(ROOT)}")
    print("\n".join([*found, f"{len(found)} findings, {time.monotonic() - begun:.0f} s"]))
    sys.exit(bool(found))


if __name__ == "__main__":
    main(sys.argv[1:] or stages())
