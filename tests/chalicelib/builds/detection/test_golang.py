from __future__ import annotations

import pytest

from chalicelib.platform.errors import BuildRefused
from tests.chalicelib.builds.support import planned

MODULE = "module example.com/a\n\ngo 1.22.3\n"


@pytest.mark.parametrize(
    ("paths", "package"),
    [
        (("main.go",), "."),
        (("cmd/api/main.go", "cmd/web/main.go"), "./cmd/web"),
        (("cmd/tool/run.go",), "./cmd/tool"),
        (("hello.go", "hello_test.go"), "."),
    ],
)
def test_the_command_is_at_the_root_or_the_one_of_the_service(paths: tuple[str, ...], package: str) -> None:
    plan = planned({"go.mod": MODULE, **dict.fromkeys(paths)})

    assert plan.build == (f'go build -trimpath -ldflags="-s -w" -o bin/server {package}',)
    assert plan.start == "./bin/server"


def test_several_commands_and_none_of_the_service_are_refused_by_name() -> None:
    with pytest.raises(BuildRefused, match="api, tool") as refused:
        planned({"go.mod": MODULE, "cmd/api/main.go": None, "cmd/tool/main.go": None})

    assert "`api`" in refused.value.remedy


def test_a_module_without_a_command_is_refused() -> None:
    with pytest.raises(BuildRefused, match="no Go command"):
        planned({"go.mod": MODULE, "lib/lib.go": None})


def test_an_older_module_is_built_by_the_newest_go() -> None:
    plan = planned({"go.mod": MODULE, "main.go": None})

    assert (plan.runtime, plan.constraint, plan.base_image) == ("1.26", ">=1.22", "golang:1.26-bookworm")


def test_a_module_newer_than_the_table_gets_the_go_it_asks_for() -> None:
    assert planned({"go.mod": "module a\ngo 1.99", "main.go": None}).runtime == "1.99"


def test_modules_are_fetched_before_the_source_unless_they_are_vendored() -> None:
    files = {"go.mod": MODULE + "require example.com/b v1.0.0\n", "go.sum": None, "main.go": None}

    assert (planned(files).install, planned(files).manifests) == (("go mod download",), ("go.mod", "go.sum"))
    assert planned({**files, "vendor/modules.txt": None}).install == ()


def test_a_build_command_runs_before_the_compiler() -> None:
    assert planned({"go.mod": MODULE, "main.go": None}, build={"command": "go generate ./..."}).build[0] == "go generate ./..."
