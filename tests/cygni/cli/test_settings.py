"""Which control plane is chosen."""

from __future__ import annotations

from pathlib import Path

import pytest

from cygni.cli.errors import NotSignedIn, Usage
from cygni.cli.settings import choose_context, config_path

FILE = """
current = "local"
[contexts.local]
url = "http://127.0.0.1:8787"
token = "a"
apps_url = "http://localhost:8080"
[contexts.work]
url = "https://api.example.com"
token = "b"
[contexts.bare]
url = "https://api.example.com"
"""


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    path = tmp_path / "cygni" / "config.toml"
    path.parent.mkdir()
    path.write_text(FILE)
    return {"XDG_CONFIG_HOME": str(tmp_path), "HOME": "/nowhere"}


def test_the_files_current_context_is_the_default(home: dict[str, str]) -> None:
    chosen = choose_context(home)

    assert (chosen.name, chosen.url, chosen.token) == ("local", "http://127.0.0.1:8787", "a")


def test_a_named_context_is_taken_from_the_file(home: dict[str, str]) -> None:
    assert choose_context(home, "work").token == "b"


def test_the_environment_overrides_the_file(home: dict[str, str]) -> None:
    chosen = choose_context(home | {"CYGNI_ENDPOINT": "https://other.example.com", "CYGNI_TOKEN": "c"})

    assert (chosen.url, chosen.token) == ("https://other.example.com", "c")


def test_a_named_context_is_stronger_than_the_environment(home: dict[str, str]) -> None:
    chosen = choose_context(home | {"CYGNI_ENDPOINT": "https://other.example.com", "CYGNI_TOKEN": "c"}, "work")

    assert (chosen.url, chosen.token) == ("https://api.example.com", "b")


def test_a_token_alone_replaces_the_files(home: dict[str, str]) -> None:
    chosen = choose_context(home | {"CYGNI_TOKEN": "c"})

    assert (chosen.url, chosen.token) == ("http://127.0.0.1:8787", "c")


def test_a_token_of_the_file_never_goes_to_an_endpoint_of_the_environment(home: dict[str, str]) -> None:
    with pytest.raises(NotSignedIn) as caught:
        choose_context(home | {"CYGNI_ENDPOINT": "https://other.example.com"})

    assert "CYGNI_TOKEN" in caught.value.remedy


def test_an_unknown_context_is_refused_with_those_there_are(home: dict[str, str]) -> None:
    with pytest.raises(Usage) as caught:
        choose_context(home, "wrok")

    assert "bare, local, work" in caught.value.remedy


def test_a_context_without_a_token_says_where_to_write_it(home: dict[str, str]) -> None:
    with pytest.raises(NotSignedIn) as caught:
        choose_context(home, "bare")

    assert "[contexts.bare]" in caught.value.remedy


def test_nothing_at_all_is_not_signed_in(tmp_path: Path) -> None:
    with pytest.raises(NotSignedIn) as caught:
        choose_context({"HOME": str(tmp_path)})

    assert "make up" in caught.value.remedy


def test_a_file_that_is_no_toml_is_named(home: dict[str, str]) -> None:
    config_path(home).write_text("current = ")

    with pytest.raises(Usage, match=r"config\.toml cannot be read"):
        choose_context(home)


def test_an_address_without_a_scheme_is_refused() -> None:
    with pytest.raises(Usage, match=r"api\.example\.com"):
        choose_context({"CYGNI_ENDPOINT": "api.example.com", "CYGNI_TOKEN": "c"})


def test_the_file_is_below_the_home_folder_by_default() -> None:
    assert config_path({"HOME": "/home/ann"}) == Path("/home/ann/.config/cygni/config.toml")
