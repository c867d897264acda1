"""`python app.py`: synthesizes the stacks of a stage into `cdk.out`. The CDK command runs it, too.

The stage is that of `-c stage=prod`, else of CYGNI_STAGE, else dev. With `-c first=yes` nothing refuses to be deleted:
`infra.deploy` makes stacks so, and protects them once they are there.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from infra.settings import SettingsRefused, load  # noqa: E402 - infra first: it says which Node CDK runs on
from infra.stacks import build, new_app  # noqa: E402


def main() -> None:
    """Synthesizes. Refused settings end it with their sentences, and no trace."""
    outdir = os.environ.get("CDK_OUTDIR") or str(ROOT / "build" / "cdk.out")
    app = new_app(outdir)
    stage = app.node.try_get_context("stage") or os.environ.get("CYGNI_STAGE", "dev")
    try:
        settings = load(stage)
        build(app, settings.for_first_deploy() if app.node.try_get_context("first") else settings)
    except SettingsRefused as refused:
        raise SystemExit(str(refused)) from None
    app.synth()


if __name__ == "__main__":
    main()
