"""How a Python application is started when nothing says so: by its framework, else by its main script. Pure.

`dependencies` are normalized names, as in `flask` or `google-cloud-storage`. Servers bind every interface at `$PORT`, since
a server on loopback answers nobody.
"""

from __future__ import annotations

import re

from chalicelib.builds.detection.found import Found
from chalicelib.builds.detection.start import Start
from chalicelib.platform.errors import BuildRefused

ENTRY_POINTS = (
    "main.py",
    "app.py",
    "server.py",
    "wsgi.py",
    "asgi.py",
    "manage.py",
    "streamlit_app.py",
    "app/main.py",
    "src/main.py",
)
"""Modules that a convention knows how to start, in order of preference."""

_APPLICATION = re.compile(
    r"^(\w+)\s*(?::[^=\n]+)?=\s*(?:\w+\.)?(Flask|FastAPI|Starlette|Quart|Litestar|Bottle|Dash)\(", re.MULTILINE
)


def convention(found: Found, dependencies: frozenset[str]) -> tuple[Start, tuple[str, ...]]:
    """A start command by convention, with advice for the person who deploys. Raises BuildRefused when none applies."""
    if "manage.py" in found.files and ("django" in dependencies or "django" in found.text("manage.py")):
        return _django(found, dependencies)
    if "streamlit" in dependencies and (script := found.first("streamlit_app.py", "app.py", "main.py")):
        command = f"streamlit run {script} --server.address 0.0.0.0 --server.port $PORT --server.headless true"
        return Start(command, f"convention: streamlit with {script}"), ()
    for path in ENTRY_POINTS:
        served = _served(path, found.text(path), dependencies) if path in found.files else None
        if served:
            return served
    script = found.first("main.py", "app.py", "server.py")
    if script:
        return Start(f"python {script}", f"convention: {script}"), ()
    raise BuildRefused(
        "This is a Python application, but nothing says how to start it.",
        remedy="Add a Procfile line such as `web: gunicorn --bind 0.0.0.0:$PORT module:app`, or set `start` in cygni.yaml.",
    )


def _django(found: Found, dependencies: frozenset[str]) -> tuple[Start, tuple[str, ...]]:
    settings = re.search(r"DJANGO_SETTINGS_MODULE['\"]\s*,\s*['\"]([\w.]+)\.settings", found.text("manage.py"))
    package = (
        settings.group(1)
        if settings
        else next(
            (path.split("/")[0] for path in sorted(found.files) if path.count("/") == 1 and path.endswith("/wsgi.py")), ""
        )
    )
    if "gunicorn" in dependencies and package:
        return Start(f"gunicorn --bind 0.0.0.0:$PORT {package}.wsgi:application", "convention: Django with gunicorn"), ()
    advice = "Django's own server is for development: add gunicorn to the dependencies and Cygni starts that."
    return Start("python manage.py runserver --noreload 0.0.0.0:$PORT", "convention: Django's manage.py"), (advice,)


def _served(path: str, text: str, dependencies: frozenset[str]) -> tuple[Start, tuple[str, ...]] | None:
    """How a module that makes a web application is served; None when it makes none that we know."""
    module = path.removesuffix(".py").replace("/", ".")
    made = _APPLICATION.search(text)
    framework, name = (made.group(2), made.group(1)) if made else ("", "app")
    if not made and module in {"wsgi", "asgi"}:
        exported = re.search(r"^(app|application)\b", text, re.MULTILINE) or re.search(
            r"import (?:.*\bas )?(app|application)\b", text
        )
        framework, name = ("Flask" if module == "wsgi" else "FastAPI"), (exported.group(1) if exported else "app")
    asynchronous = framework in {"FastAPI", "Starlette", "Quart", "Litestar"}
    if framework == "Dash":
        name = f"{name}.server"
    origin = f"convention: {framework} in {path}"
    if asynchronous and dependencies & {"uvicorn", "fastapi", "starlette", "litestar"}:
        advice = () if "uvicorn" in dependencies else (f"Add uvicorn to the dependencies: it is what serves {framework}.",)
        return Start(f"uvicorn {module}:{name} --host 0.0.0.0 --port $PORT", origin), advice
    if framework in {"Flask", "Bottle", "Dash"} and "gunicorn" in dependencies:
        return Start(f"gunicorn --bind 0.0.0.0:$PORT {module}:{name}", origin + " with gunicorn"), ()
    if framework == "Flask" and "flask" in dependencies:
        advice = ("Flask's own server is for development: add gunicorn to the dependencies and Cygni starts that.",)
        return Start(f"flask --app {module}:{name} run --host 0.0.0.0 --port $PORT", origin), advice
    return None
