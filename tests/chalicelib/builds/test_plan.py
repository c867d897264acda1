from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.builds.plan import BuildPlan, Kind, Manager, shell_form

texts = st.text(max_size=20)
many = st.lists(texts, max_size=3).map(tuple)
plans = st.builds(
    BuildPlan,
    kind=st.sampled_from(Kind),
    manager=st.sampled_from(Manager),
    **dict.fromkeys(
        ("context", "manager_package", "runtime", "constraint", "runtime_origin", "base_image", "dockerfile"), texts
    ),
    **dict.fromkeys(("start", "start_origin", "root"), texts),
    **dict.fromkeys(("manifests", "install", "build", "notes"), many),
)


@given(plans)
def test_a_plan_survives_json(plan: BuildPlan) -> None:
    again = BuildPlan.from_dict(json.loads(json.dumps(plan.to_dict())))

    assert again == plan
    assert again.digest() == plan.digest()


@given(plans, plans)
def test_plans_that_build_alike_have_the_same_digest_and_others_do_not(one: BuildPlan, other: BuildPlan) -> None:
    talk = {"notes": (), "start_origin": "", "runtime_origin": ""}

    assert (one.digest() == other.digest()) == (replace(one, **talk) == replace(other, **talk))


def test_a_digest_is_the_same_on_every_machine() -> None:
    digest = BuildPlan(kind=Kind.STATIC, root="public").digest()

    assert digest == BuildPlan(kind=Kind.STATIC, root="public", notes=("hello",)).digest()
    assert len(digest) == len("sha256:") + 64


def test_an_unknown_field_is_an_error() -> None:
    with pytest.raises(ValueError, match="colour"):
        BuildPlan.from_dict({"kind": "go", "colour": "blue"})


@pytest.mark.parametrize(
    ("command", "form"),
    [
        ("gunicorn app:app --bind 0.0.0.0:$PORT", "exec gunicorn app:app --bind 0.0.0.0:$PORT"),
        ("WORKERS=2 gunicorn app", "exec env WORKERS=2 gunicorn app"),
        ("./migrate && ./run", "./migrate && ./run"),
        ("cd api; node .", "cd api; node ."),
        ("cd api", "cd api"),
        ("exec node .", "exec node ."),
        ("echo $(date)", "echo $(date)"),
        ("  ./run > log.txt ", "exec ./run > log.txt"),
    ],
)
def test_a_simple_command_takes_the_place_of_its_shell(command: str, form: str) -> None:
    assert shell_form(command) == form


def test_a_summary_says_what_is_built_and_what_starts() -> None:
    plan = BuildPlan(kind=Kind.PYTHON, manager=Manager.PIP, runtime="3.13", start="python a.py", start_origin="Procfile web")

    assert plan.summary() == 'Python 3.13 with pip; starts "python a.py" (Procfile web)'
    assert BuildPlan(kind=Kind.DOCKERFILE, dockerfile="Dockerfile").summary() == "Dockerfile at Dockerfile"
