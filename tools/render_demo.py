"""Draws docs/demo.svg from what a run of the demo said.

usage: COLUMNS=118 python -m cygni.local.demo --json >demo.json 2>demo.txt; python -m tools.render_demo demo.json demo.txt
"""

from __future__ import annotations

import io
import json
import re
import sys
from itertools import takewhile
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

PICTURE = Path(__file__).parent.parent / "docs" / "demo.svg"
SHOWN = re.compile(r"✔|Deploying|verdict  |shifted  [25]|^\s+r\d step .*\d\d\d? % of traffic; canary [1-9]")
WIDTH = 118


def main(result: Path, said: Path) -> None:
    """One frame: the telling lines of the run, and its table."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), highlight=False)
    for line in _joined(said.read_text().splitlines()):
        if SHOWN.search(line):
            style = (
                "green"
                if line.startswith("✔")
                else "bold"
                if line.startswith("Deploying")
                else "dim"
                if " step " in line
                else ""
            )
            console.print(Text(line, style=style))
    document = json.loads(result.read_text())
    table = Table(box=SIMPLE_HEAD, header_style="bold")
    for name in ("Release", "Verdict", "Why", "Time to verdict", "Failed requests"):
        table.add_column(name)
    for each in document["releases"]:
        verdict = Text(each["state"].replace("_", " "), style="green" if each["state"] == each["expected"] else "red")
        seconds = f"{each['seconds_to_verdict']:.1f} s"
        failed = f"{each['failed_requests']} of {each['requests']}"
        table.add_row(f"r{each['release']}", verdict, each["why"], seconds, failed)
    console.print(table)
    console.print(f"{document['requests']:,} requests in {document['seconds']:.0f} s.")
    PICTURE.write_text(_without_addresses(console.export_svg(title="make demo")))


def _joined(lines: list[str]) -> list[str]:
    """Lines that were wrapped for the terminal, whole again."""
    whole: list[str] = []
    for line in takewhile(lambda line: not line.startswith("Looking"), lines):
        begins = re.match(r"\d\d:\d\d:\d\d|✔|✘|Deploying|Starting|Looking|http|  r\d", line)
        if begins or not whole:
            whole.append(line)
        else:
            whole[-1] += " " + line.strip()
    return whole


def _without_addresses(svg: str) -> str:
    """Without the web fonts that rich asks for: the picture shows in any monospace font, and loads nothing."""
    return re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
