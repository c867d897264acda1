from __future__ import annotations

import pytest

from chalicelib.builds.plan import Kind
from chalicelib.platform.errors import BuildRefused
from tests.chalicelib.builds.support import planned

FLASK: dict[str, str | None] = {"requirements.txt": "flask\n", "app.py": "app = Flask(__name__)"}


def test_a_dockerfile_goes_before_detection() -> None:
    plan = planned({"Dockerfile": "FROM scratch", **FLASK})

    assert (plan.kind, plan.dockerfile, plan.command) == (Kind.DOCKERFILE, "Dockerfile", ())


def test_the_app_file_may_name_another_dockerfile() -> None:
    assert (
        planned({"ops/web.Dockerfile": None}, build={"dockerfile": "./ops/web.Dockerfile"}).dockerfile == "ops/web.Dockerfile"
    )


def test_a_named_dockerfile_that_is_absent_is_refused_with_those_that_are_there() -> None:
    with pytest.raises(BuildRefused, match="no such file") as refused:
        planned({"web.dockerfile": None}, build={"dockerfile": "Dockerfile.web"})

    assert "web.dockerfile" in refused.value.remedy


def test_a_dockerfile_keeps_its_own_command_unless_start_is_said() -> None:
    assert planned({"Dockerfile": ""}, start="./run").command == ("sh", "-c", "exec ./run")


def test_only_the_context_is_looked_at() -> None:
    plan = planned({"package.json": "{", "api/go.mod": "module a", "api/main.go": None}, build={"context": "./api/"})

    assert (plan.kind, plan.context) == (Kind.GO, "api")


@pytest.mark.parametrize("context", ["../elsewhere", "/etc", "a/../../b"])
def test_a_context_outside_of_the_source_is_refused(context: str) -> None:
    with pytest.raises(BuildRefused, match="outside"):
        planned(FLASK, build={"context": context})


def test_a_context_that_is_not_there_is_refused_with_the_folders_that_are() -> None:
    with pytest.raises(BuildRefused, match="it has services, web"):
        planned({"services/a/go.mod": "", "web/index.html": None}, build={"context": "service"})


def test_an_empty_source_is_refused() -> None:
    with pytest.raises(BuildRefused, match="no files"):
        planned({})


def test_what_cannot_be_detected_is_refused_with_what_was_looked_for() -> None:
    with pytest.raises(BuildRefused, match=r"go\.mod, requirements\.txt") as refused:
        planned({"README.md": None})

    assert "Dockerfile" in refused.value.remedy


def test_an_application_in_a_folder_below_is_pointed_out() -> None:
    with pytest.raises(BuildRefused, match="services/api") as refused:
        planned({"README.md": None, "services/api/package.json": "{}"})

    assert "`build.context`" in refused.value.remedy


@pytest.mark.parametrize(
    ("marker", "language"), [("Gemfile", "Ruby"), ("pom.xml", "Java"), ("Cargo.toml", "Rust"), ("composer.json", "PHP")]
)
def test_a_language_that_is_not_built_is_named(marker: str, language: str) -> None:
    with pytest.raises(BuildRefused, match=language) as refused:
        planned({marker: None})

    assert "Dockerfile" in refused.value.remedy


def test_python_goes_before_the_node_that_builds_its_styles() -> None:
    assert planned({**FLASK, "package.json": "{}"}).kind is Kind.PYTHON


def test_start_goes_before_the_procfile_which_goes_before_convention() -> None:
    with_procfile = {**FLASK, "Procfile": "web: gunicorn app:app\n"}

    assert planned(with_procfile, start="python app.py").start_origin == "cygni.yaml start"
    assert (planned(with_procfile).start, planned(with_procfile).start_origin) == ("gunicorn app:app", "Procfile web")
    assert planned(FLASK).start_origin.startswith("convention")


def test_every_refusal_says_what_to_do() -> None:
    for files in ({}, {"README.md": None}, {"Gemfile": None}, {"package.json": "{"}, {"go.mod": ""}, {"Pipfile": None}):
        with pytest.raises(BuildRefused) as refused:
            planned(files)
        assert refused.value.remedy
