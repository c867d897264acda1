from __future__ import annotations

import pytest

from chalicelib.builds.plan import Kind, Manager
from chalicelib.platform.errors import BuildRefused
from tests.chalicelib.builds.support import planned

PROJECT = '[project]\nname = "a"\ndependencies = ["fastapi", "uvicorn[standard]>=0.30"]\n'
POETRY = '[tool.poetry]\nname = "a"\n[tool.poetry.dependencies]\npython = "^3.12"\nflask = "*"\ngunicorn = "*"\n'


@pytest.mark.parametrize(
    ("files", "manager", "manifests"),
    [
        ({"main.py": ""}, Manager.NONE, ()),
        ({"main.py": "", "requirements.txt": "requests\n"}, Manager.PIP, ("requirements.txt",)),
        ({"main.py": "", "pyproject.toml": PROJECT}, Manager.UV, ("pyproject.toml",)),
        ({"main.py": "", "pyproject.toml": PROJECT, "uv.lock": None}, Manager.UV, ("pyproject.toml", "uv.lock")),
        ({"main.py": "", "pyproject.toml": POETRY}, Manager.POETRY, ("pyproject.toml",)),
        ({"main.py": "", "pyproject.toml": PROJECT, "poetry.lock": None}, Manager.POETRY, ("pyproject.toml", "poetry.lock")),
        ({"main.py": "", "pyproject.toml": "[tool.ruff]", "requirements.txt": ""}, Manager.PIP, ("requirements.txt",)),
    ],
    ids=["none", "pip", "pyproject", "uv", "poetry", "poetry.lock", "pyproject-of-a-linter"],
)
def test_the_manager_is_the_one_whose_files_are_there(
    files: dict[str, str | None], manager: Manager, manifests: tuple[str, ...]
) -> None:
    plan = planned(files)

    assert (plan.kind, plan.manager, plan.manifests) == (Kind.PYTHON, manager, manifests)
    assert bool(plan.install) == (manager is not Manager.NONE)


def test_files_that_requirements_refer_to_come_along() -> None:
    files = {
        "main.py": "",
        "requirements.txt": "-r requirements/web.txt\n",
        "requirements/web.txt": None,
        "requirements/base.txt": None,
    }

    assert planned(files).manifests == ("requirements.txt", "requirements/base.txt", "requirements/web.txt")


@pytest.mark.parametrize("line", [".", "-e .", "./lib", "-e ./lib", "lib @ file:lib"])
def test_a_requirement_by_path_needs_the_whole_source_before_it_is_installed(line: str) -> None:
    assert planned({"main.py": "", "requirements.txt": f"flask\n{line}\n"}).manifests == ()


@pytest.mark.parametrize(
    ("files", "start"),
    [
        ({"requirements.txt": "Flask\ngunicorn\n", "app.py": "app = Flask(__name__)"}, "gunicorn --bind 0.0.0.0:$PORT app:app"),
        (
            {"requirements.txt": "flask\n", "main.py": "site = flask.Flask('x')"},
            "flask --app main:site run --host 0.0.0.0 --port $PORT",
        ),
        ({"pyproject.toml": PROJECT, "main.py": "api: FastAPI = FastAPI()"}, "uvicorn main:api --host 0.0.0.0 --port $PORT"),
        ({"pyproject.toml": PROJECT, "app/main.py": "app = FastAPI()"}, "uvicorn app.main:app --host 0.0.0.0 --port $PORT"),
        (
            {"requirements.txt": "gunicorn\n", "wsgi.py": "from shop import create\napplication = create()"},
            "gunicorn --bind 0.0.0.0:$PORT wsgi:application",
        ),
        ({"requirements.txt": "uvicorn\n", "asgi.py": "app = make()"}, "uvicorn asgi:app --host 0.0.0.0 --port $PORT"),
        (
            {"requirements.txt": "dash\ngunicorn\n", "app.py": "app = Dash(__name__)"},
            "gunicorn --bind 0.0.0.0:$PORT app:app.server",
        ),
        (
            {"requirements.txt": "streamlit\n", "streamlit_app.py": ""},
            "streamlit run streamlit_app.py --server.address 0.0.0.0 --server.port $PORT --server.headless true",
        ),
        (
            {"requirements.txt": "Django>=5\ngunicorn\n", "manage.py": 'setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")'},
            "gunicorn --bind 0.0.0.0:$PORT shop.wsgi:application",
        ),
        ({"requirements.txt": "django\n", "manage.py": ""}, "python manage.py runserver --noreload 0.0.0.0:$PORT"),
        ({"requirements.txt": "", "server.py": "print(1)"}, "python server.py"),
        ({"app.py": "print(1)"}, "python app.py"),
    ],
    ids=lambda value: value.split()[0] if isinstance(value, str) else "",
)
def test_a_framework_is_started_the_way_it_is_served(files: dict[str, str | None], start: str) -> None:
    assert planned(files).start == start


def test_a_development_server_is_started_with_the_advice_to_add_a_real_one() -> None:
    assert any("gunicorn" in note for note in planned({"requirements.txt": "flask\n", "app.py": "app = Flask()"}).notes)


def test_an_application_that_nothing_starts_is_refused_with_a_procfile_to_write() -> None:
    with pytest.raises(BuildRefused, match="how to start") as refused:
        planned({"requirements.txt": "flask\n", "shop/__init__.py": None})

    assert "Procfile" in refused.value.remedy


@pytest.mark.parametrize(
    ("files", "runtime", "origin"),
    [
        ({}, "3.13", "default"),
        ({".python-version": "3.12.4\n"}, "3.12", ".python-version"),
        ({"runtime.txt": "python-3.11.9"}, "3.11", "runtime.txt"),
        ({"pyproject.toml": '[project]\nrequires-python = ">=3.9,<3.11"'}, "3.10", "pyproject.toml requires-python"),
        ({"pyproject.toml": POETRY}, "3.13", "pyproject.toml requires-python"),
    ],
)
def test_the_version_is_the_one_the_source_asks_for(files: dict[str, str | None], runtime: str, origin: str) -> None:
    plan = planned({"main.py": "", **files})

    assert (plan.runtime, plan.runtime_origin, plan.base_image) == (runtime, origin, f"python:{runtime}-slim")


def test_a_python_that_does_not_exist_is_refused() -> None:
    with pytest.raises(BuildRefused, match=r"\.python-version `2\.7\*`|No Python"):
        planned({"main.py": "", ".python-version": ">=5"})


def test_a_broken_pyproject_is_refused_with_the_line() -> None:
    with pytest.raises(BuildRefused, match="line 2"):
        planned({"main.py": "", "pyproject.toml": "[project]\nname = \n"})


@pytest.mark.parametrize("files", [{"Pipfile": None}, {"environment.yml": None}, {"setup.py": None}])
def test_managers_that_are_not_supported_are_named_with_a_way_out(files: dict[str, str | None]) -> None:
    with pytest.raises(BuildRefused) as refused:
        planned(files)

    assert "requirements.txt" in refused.value.remedy


def test_a_package_is_installed_itself_once_the_source_is_there() -> None:
    plan = planned(
        {"main.py": "", "pyproject.toml": PROJECT + "[build-system]\nrequires = []\n"}, build={"command": "python make.py"}
    )

    assert plan.build == ("uv pip install --no-deps .", "python make.py")
