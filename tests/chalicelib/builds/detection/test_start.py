from __future__ import annotations

from chalicelib.builds.detection.start import declared, procfile


def test_a_procfile_is_read_line_by_line() -> None:
    text = "# the site\nweb: gunicorn app:app --log-level=info\n\nworker:  celery -A app  \nnonsense\n"

    assert procfile(text) == {"web": "gunicorn app:app --log-level=info", "worker": "celery -A app"}


def test_a_service_takes_the_line_of_its_own_name() -> None:
    start = declared(None, "web: a\napi: b\n", "api")

    assert start is not None
    assert (start.command, start.origin) == ("b", "Procfile api")


def test_the_only_line_serves_a_service_of_any_name() -> None:
    start = declared(None, "web: a\nrelease: migrate\n", "shop")

    assert start is not None
    assert start.origin == "Procfile web"


def test_a_line_of_another_process_is_not_taken() -> None:
    assert declared(None, "web: a\nworker: b\n", "shop") is None
    assert declared(None, None, "web") is None
