from __future__ import annotations

import pytest

from chalicelib.builds.plan import Kind
from tests.chalicelib.builds.support import planned


@pytest.mark.parametrize(("index", "root"), [("index.html", "."), ("public/index.html", "public"), ("dist/index.html", "dist")])
def test_the_folder_with_an_index_is_served(index: str, root: str) -> None:
    plan = planned({index: None, "style.css": None})

    assert (plan.kind, plan.root) == (Kind.STATIC, root)
    assert "static_server.py" in plan.start


def test_an_index_elsewhere_is_no_site() -> None:
    from chalicelib.platform.errors import BuildRefused

    with pytest.raises(BuildRefused, match="templates"):
        planned({"templates/index.html": None})


def test_a_start_command_takes_the_place_of_the_file_server() -> None:
    assert planned({"index.html": None}, start="caddy run").start == "caddy run"
