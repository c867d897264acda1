from __future__ import annotations

import json
import re

import pytest

from chalicelib.builds.dockerfile import dockerfile
from chalicelib.builds.plan import BuildPlan, Kind
from tests.chalicelib.builds.support import planned

LOCKED = '{"scripts": {"start": "node a", "build": "tsc"}, "dependencies": {"a": "1"}}'
SOURCES: dict[str, dict[str, str | None]] = {
    "python": {"main.py": "print(1)"},
    "pip": {"requirements.txt": "flask\n", "app.py": "app = Flask()"},
    "uv": {"pyproject.toml": "[project]\n", "uv.lock": None, "main.py": ""},
    "poetry": {"pyproject.toml": "[tool.poetry]\nname='a'", "poetry.lock": None, "main.py": ""},
    "npm": {"package.json": LOCKED, "package-lock.json": None},
    "pnpm": {"package.json": LOCKED, "pnpm-lock.yaml": None},
    "go": {"go.mod": "module a\nrequire b v1", "main.go": None},
    "static": {"public/index.html": None},
    "bundled": {"package.json": '{"scripts": {"build": "vite build"}, "devDependencies": {"vite": "6"}}'},
}
INSTRUCTIONS = {"FROM", "ENV", "RUN", "WORKDIR", "COPY", "EXPOSE", "USER", "CMD"}


def lines(plan: BuildPlan) -> list[list[str]]:
    """Instruction and rest of each line; a Dockerfile of ours never continues one."""
    whole = [line for line in dockerfile(plan).splitlines() if line and not line.startswith("#")]
    return [line.split(" ", 1) for line in whole]


@pytest.fixture(params=SOURCES, ids=str)
def plan(request: pytest.FixtureRequest) -> BuildPlan:
    return planned(SOURCES[request.param])


def test_it_has_only_known_instructions_and_json_where_json_is_due(plan: BuildPlan) -> None:
    for instruction, rest in lines(plan):
        assert instruction in INSTRUCTIONS
        if instruction in {"RUN", "CMD"}:
            assert json.loads(rest)[-2] == "-c"


def test_it_runs_as_a_user_that_is_not_root_and_says_its_port(plan: BuildPlan) -> None:
    last = lines(plan)[-4:]

    assert last[:3] == [["ENV", "PORT=8080 HOME=/tmp"], ["EXPOSE", "8080"], ["USER", "10001:10001"]]
    assert json.loads(last[3][1]) == list(plan.command)


def test_base_images_are_pinned_to_a_minor_version(plan: BuildPlan) -> None:
    bases = [rest.split()[0] for instruction, rest in lines(plan) if instruction == "FROM"]

    assert all(re.fullmatch(r"[a-z]+:\d+\.\d+(-[a-z]+)?", base) for base in bases)


@pytest.mark.parametrize("name", ["pip", "uv", "poetry", "npm", "pnpm", "go"])
def test_dependencies_are_installed_before_the_source_is_copied(name: str) -> None:
    plan = planned(SOURCES[name])
    text = dockerfile(plan)
    install = text.index(json.dumps(plan.install[0])[1:-1])

    assert text.index(json.dumps(plan.manifests[0])) < install < text.index("COPY . .")


def test_the_last_stage_has_no_build_tools() -> None:
    last = dockerfile(planned(SOURCES["go"])).rpartition("FROM ")[2]

    assert last.startswith("alpine:")
    assert "go build" not in last


def test_a_site_carries_its_file_server_and_the_served_folder_only() -> None:
    text = dockerfile(planned(SOURCES["static"]))

    assert "static_server.py" in text
    assert 'COPY ["public/", "/srv/app/"]' in text
    assert 'COPY --from=build ["/srv/app/dist/", "/srv/app/"]' in dockerfile(planned(SOURCES["bundled"]))


@pytest.mark.parametrize("evil", ['x"; rm -rf /', "x\nUSER root", "x\\", "$(id)", "x' y"])
def test_what_a_user_writes_stays_in_its_line(evil: str) -> None:
    plan = planned({"package.json": "{}", "index.js": None}, start=evil, build={"command": evil})

    assert [each[0] for each in lines(plan)] == [
        each[0] for each in lines(planned({"package.json": "{}", "index.js": None}, build={"command": "x"}))
    ]
    assert ["USER", "10001:10001"] in lines(plan)


def test_a_plan_with_a_dockerfile_of_its_own_is_not_rendered() -> None:
    with pytest.raises(ValueError, match="of its own"):
        dockerfile(BuildPlan(kind=Kind.DOCKERFILE, dockerfile="Dockerfile"))
