"""Writing the config file."""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygni.cli.configfile import drop_login, login_target, put_login, to_toml, write_config
from cygni.cli.errors import CliError, Usage
from cygni.cli.settings import Context, Kept

URL = "https://api.example.com"
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
VALUES = st.one_of(
    TEXT,
    st.booleans(),
    st.floats(allow_nan=False),
    st.datetimes(),
    st.integers(-(2**40), 2**40),
    st.lists(st.integers(0, 9), max_size=3),
)


@given(
    st.dictionaries(
        TEXT, st.one_of(VALUES, st.dictionaries(TEXT, st.one_of(VALUES, st.dictionaries(TEXT, VALUES, max_size=2)), max_size=3))
    )
)
def test_what_is_written_is_read_again(document: dict[str, Any]) -> None:
    assert tomllib.loads(to_toml(document)) == document


def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "new" / "config.toml"

    write_config(path, {"current": "a"})

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_login_is_written_beside_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(
        'keyring = false\ncurrent = "local"\n[contexts.local]\nurl = "http://127.0.0.1:1"\ntoken = "t"\n[extra]\nx = 1\n'
    )

    put_login(path, Context("work", URL, kept=Kept.KEYRING))

    document = tomllib.loads(path.read_text())
    assert document["current"] == "work"
    assert document["contexts"]["work"] == {"url": URL, "login": "keyring"}
    assert document["contexts"]["local"]["token"] == "t"
    assert (document["keyring"], document["extra"]) == (False, {"x": 1})


def test_a_login_takes_the_place_of_the_contexts_token_and_leaves_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f'[contexts.work]\nurl = "{URL}"\ntoken = "t"\nnote = "mine"\n')

    put_login(path, Context("work", URL, kept=Kept.FILE))

    assert tomllib.loads(path.read_text())["contexts"]["work"] == {"url": URL, "login": "file", "note": "mine"}


def test_dropping_a_login_keeps_its_address(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    put_login(path, Context("work", URL, kept=Kept.FILE))

    drop_login(path, "work")
    drop_login(path, "nobody")

    assert tomllib.loads(path.read_text())["contexts"] == {"work": {"url": URL}}


def test_a_file_that_cannot_be_written_is_told() -> None:
    with pytest.raises(CliError, match="cannot be written"):
        write_config(Path("/proc/self/nowhere/config.toml"), {})


def environ(tmp_path: Path, text: str = "") -> dict[str, str]:
    path = tmp_path / "cygni" / "config.toml"
    path.parent.mkdir()
    path.write_text(text)
    return {"XDG_CONFIG_HOME": str(tmp_path)}


@pytest.mark.parametrize(
    ("text", "endpoint", "name", "expected"),
    [
        ("", f"{URL}/", None, ("api.example.com", URL)),
        ("", URL, "work", ("work", URL)),
        (f'[contexts.work]\nurl = "{URL}"\n', None, "work", ("work", URL)),
        (f'current = "a"\n[contexts.a]\nurl = "{URL}"\nlogin = "file"\n', None, None, ("a", URL)),
        (f'current = "a"\n[contexts.a]\nurl = "{URL}"\n', None, None, ("a", URL)),
        (f'current = "a"\n[contexts.a]\nurl = "{URL}"\ntoken = "t"\n', None, None, ("a-login", URL)),
        (
            f'current = "a"\n[contexts.a]\nurl = "{URL}"\ntoken = "t"\n[contexts.b]\nurl = "{URL}"\nlogin = "file"\n',
            None,
            None,
            ("b", URL),
        ),
        ('[contexts."api.example.com"]\nurl = "https://x.example.com"\n', URL, None, ("api.example.com-2", URL)),
        ("", "http://[::1]:8787", None, ("::1", "http://[::1]:8787")),
        ("", "http://shop.localhost:8787", None, ("shop.localhost", "http://shop.localhost:8787")),
    ],
)
def test_which_context_a_login_becomes(
    tmp_path: Path, text: str, endpoint: str | None, name: str | None, expected: tuple[str, str]
) -> None:
    found = login_target(environ(tmp_path, text), endpoint=endpoint, name=name).context

    assert (found.name, found.url) == expected


def test_without_any_address_it_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(Usage, match="Sign in where"):
        login_target(environ(tmp_path), endpoint=None, name="work")
