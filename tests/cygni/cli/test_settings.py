"""Which control plane is chosen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cygni.cli.errors import NotSignedIn, Usage
from cygni.cli.settings import Kept, Means, choose_context, config_path, keyring_allowed

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
[contexts.mine]
url = "https://mine.example.com/"
login = "keyring"
"""
JOB = {
    "GITHUB_ACTIONS": "true",
    "ACTIONS_ID_TOKEN_REQUEST_URL": "https://runner.example.com/token?api-version=2.0",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "r",
    "CYGNI_ENDPOINT": "https://api.example.com",
    "CYGNI_TEAM": "team_1",
}


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

    assert "bare, local, mine, work" in caught.value.remedy


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


def test_a_login_is_another_means_than_a_token(home: dict[str, str]) -> None:
    chosen = choose_context(home, "mine")

    assert (chosen.means, chosen.kept, chosen.token) == (Means.LOGIN, Kept.KEYRING, "")
    assert choose_context(home).means is Means.TOKEN


def test_a_context_without_anything_says_how_to_sign_in(home: dict[str, str]) -> None:
    with pytest.raises(NotSignedIn) as caught:
        choose_context(home, "bare")

    assert "`cygni login --context bare`" in caught.value.remedy


def test_a_token_of_the_environment_wins_over_a_login(home: dict[str, str]) -> None:
    config_path(home).write_text(FILE.replace('current = "local"', 'current = "mine"'))

    chosen = choose_context(home | {"CYGNI_TOKEN": "c"})

    assert (chosen.url, chosen.token, chosen.means) == ("https://mine.example.com/", "c", Means.TOKEN)
    assert chosen.source == "CYGNI_TOKEN"


def test_a_login_is_found_by_the_endpoint_of_the_environment_and_by_no_other(home: dict[str, str]) -> None:
    chosen = choose_context(home | {"CYGNI_ENDPOINT": "https://mine.example.com"})

    assert (chosen.name, chosen.means) == ("mine", Means.LOGIN)
    with pytest.raises(NotSignedIn) as caught:
        choose_context(home | {"CYGNI_ENDPOINT": "https://mine.example.com.evil.example.com"})
    assert "`cygni login`" in caught.value.remedy


def test_a_place_of_a_login_that_is_none_is_refused(home: dict[str, str]) -> None:
    config_path(home).write_text(FILE.replace('"keyring"', '"cloud"'))

    with pytest.raises(Usage, match="'cloud'"):
        choose_context(home, "mine")


def test_a_job_with_a_team_signs_in_by_itself(home: dict[str, str]) -> None:
    chosen = choose_context(home | JOB)

    assert (chosen.means, chosen.url, chosen.team, chosen.token) == (Means.ACTIONS, "https://api.example.com", "team_1", "")


@pytest.mark.parametrize(
    ("more", "means"),
    [({"CYGNI_TOKEN": "c"}, Means.TOKEN), ({"CYGNI_ENDPOINT": ""}, Means.TOKEN)],
    ids=["a token is stronger", "without an endpoint the file holds"],
)
def test_when_a_job_does_not_sign_in_by_itself(home: dict[str, str], more: dict[str, str], means: Means) -> None:
    assert choose_context(home | JOB | more).means is means


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        (("CYGNI_TEAM",), "set CYGNI_TEAM to the team's id; or"),
        (("ACTIONS_ID_TOKEN_REQUEST_URL",), "give the job `permissions: id-token: write`; or"),
        (("CYGNI_TEAM", "ACTIONS_ID_TOKEN_REQUEST_URL"), "set CYGNI_TEAM to the team's id and give the job"),
    ],
)
def test_a_job_that_lacks_something_is_told_all_of_it(home: dict[str, str], missing: tuple[str, ...], words: str) -> None:
    variables = {name: value for name, value in (home | JOB).items() if name not in missing}

    with pytest.raises(NotSignedIn) as caught:
        choose_context(variables)

    assert words in caught.value.remedy


@pytest.mark.parametrize(
    ("variable", "line", "allowed"),
    [
        (None, "", True),
        ("off", "", False),
        ("OFF", "keyring = true", False),
        ("on", "keyring = false", True),
        (None, "keyring = false", False),
    ],
)
def test_whether_the_keyring_may_be_used(home: dict[str, str], variable: str | None, line: str, allowed: bool) -> None:
    config_path(home).write_text(f"{line}\n{FILE}")

    assert keyring_allowed(home | ({"CYGNI_KEYRING": variable} if variable else {})) is allowed


def test_a_setting_of_the_keyring_that_is_neither_is_refused(home: dict[str, str]) -> None:
    config_path(home).write_text('keyring = "no"\n')

    with pytest.raises(Usage, match="`keyring` is 'no'"):
        keyring_allowed(home)


def test_blanks_and_line_ends_round_a_token_are_none_of_it(home: dict[str, str]) -> None:
    assert choose_context(home | {"CYGNI_TOKEN": " c\n"}).token == "c"


@pytest.mark.parametrize("token", ["s3cret\ns3cret", "s3cret s3cret", "s3cr\u00e9t", "s3cret\x00"])
@pytest.mark.parametrize("place", ["variable", "file", "runner"])
def test_what_can_be_no_token_is_refused_and_not_shown(home: dict[str, str], token: str, place: str) -> None:
    environ = home | {"variable": {"CYGNI_TOKEN": token}, "runner": JOB | {"ACTIONS_ID_TOKEN_REQUEST_TOKEN": token}}.get(
        place, {}
    )
    if place == "file":
        config_path(home).write_text(FILE.replace('token = "a"', f"token = {json.dumps(token)}"))

    with pytest.raises(Usage) as caught:
        choose_context(environ)

    assert "s3cr" not in caught.value.message + caught.value.remedy
    assert {"variable": "CYGNI_TOKEN", "file": "[contexts.local]", "runner": "ACTIONS_ID"}[place] in caught.value.message
