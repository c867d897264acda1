"""Teams, members and invitations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.identity.rules import Role, Scope
from cygni.cli.exits import Exit
from tests.cygni.cli.conftest import Cli
from tests.fakes.api import TOKEN, FakeApi
from tests.fakes.teams import Team


def test_the_teams_one_is_in_are_listed_with_the_current_one_marked(ann: Cli, api: FakeApi, acme: Team) -> None:
    for name in ("Beta", "Gamma"):
        api.identity.add_team(name, ann="viewer")

    lines = ann("team", "list").stdout.splitlines()

    assert [line.split()[:3] for line in lines[1:]] == [
        ["*", "Acme", "owner"],
        ["Beta", "viewer", "eu-west-1"],
        ["Gamma", "viewer", "eu-west-1"],
    ]
    assert [each["current"] for each in ann.document("team", "list")["items"]] == [True, False, False]


def test_a_new_team_becomes_the_current_one(ann: Cli, api: FakeApi) -> None:
    result = ann("team", "create", "Acme Web", "--region", "us-east-1")

    assert "Created the team Acme Web (team_" in result.stdout
    assert "It is the current team now." in result.stdout
    assert ann.document("team", "show")["name"] == "Acme Web"
    assert ann.document("team", "show")["region"] == "us-east-1"


def test_a_new_team_can_be_made_without_leaving_the_current_one(ann: Cli, acme: Team) -> None:
    result = ann("team", "create", "Beta", "--stay")

    assert "cygni team switch team_" in result.stdout
    assert ann.document("whoami")["team"] == acme.id


def test_whoever_is_in_no_team_can_make_their_first(cli: Cli, api: FakeApi) -> None:
    api.identity.add_person("noah")
    cli.sign_in(api, "noah")

    assert cli.document("team", "list") == {"items": [], "next_cursor": None}
    assert "cygni team create NAME" in cli("team", "list").stdout
    cli("team", "create", "First")

    assert cli.document("whoami")["role"] == "owner"


@pytest.mark.parametrize("word", ["Beta", "beta", "BETA", "the id"])
def test_switching_takes_a_name_or_an_id_and_holds_for_later_commands(ann: Cli, api: FakeApi, word: str) -> None:
    beta = api.identity.add_team("Beta", ann="viewer")

    result = ann("team", "switch", beta.id if word == "the id" else word)

    assert result.stdout == f"The current team is Beta ({beta.id}).\n"
    assert ann.document("whoami")["team"] == beta.id
    assert api.sign_in.reused == []


def test_switching_to_a_name_that_two_teams_have_asks_for_the_id(ann: Cli, api: FakeApi) -> None:
    twins = [api.identity.add_team("Beta", ann="viewer").id for _ in range(2)]

    result = ann("team", "switch", "Beta")

    assert result.exit_code == Exit.USAGE
    assert all(twin in result.stderr for twin in twins)


def test_switching_to_a_team_one_is_not_in_is_not_found(ann: Cli, api: FakeApi, acme: Team) -> None:
    api.identity.add_team("Others", zoe="owner")

    result = ann("team", "switch", "Others")

    assert result.exit_code == Exit.NOT_FOUND
    assert "cygni team list" in result.stderr
    assert ann.document("whoami")["team"] == acme.id


def test_an_api_key_does_not_switch_teams(cli: Cli, api: FakeApi) -> None:
    result = cli("team", "switch", "Acme")

    assert result.exit_code == Exit.USAGE
    assert "An API key or a job works for one team only." in result.stderr


def test_the_team_shows_what_it_has_and_may_have(ann: Cli) -> None:
    shown = ann("team", "show").stdout

    assert "0 of 20" in shown
    assert "eu-west-1" in shown
    assert "400 days" in shown


def test_a_team_is_renamed_and_its_other_settings_stay(ann: Cli, acme: Team) -> None:
    assert ann("team", "rename", "Umbrella").stdout == "Acme is now called Umbrella.\n"
    assert (acme.name, acme.retention) == ("Umbrella", 400)


def test_a_team_that_was_changed_meanwhile_is_a_conflict(ann: Cli, api: FakeApi, acme: Team) -> None:
    acme.version = 7
    api.identity.teams[acme.id].version = 7

    assert ann("team", "rename", "Umbrella").exit_code == Exit.OK
    assert api.asked("PUT", "/v1/team")[0].headers["if-match"] == '"7"'


def test_how_long_the_trail_is_kept_is_set_without_renaming(ann: Cli, acme: Team) -> None:
    assert "kept for 30 days" in ann("team", "retention", "30").stdout
    assert (acme.name, acme.retention) == ("Acme", 30)


@pytest.mark.parametrize("days", ["0", "731", "many"])
def test_a_time_that_the_trail_cannot_be_kept_for_is_refused_here(ann: Cli, api: FakeApi, days: str) -> None:
    assert ann("team", "retention", "--", days).exit_code == Exit.USAGE
    assert not api.asked("PUT")


def test_members_are_listed_with_their_roles_over_all_pages(ann: Cli, acme: Team) -> None:
    shown = ann("team", "members").stdout

    assert [line.split()[2] for line in shown.splitlines()[1:]] == ["owner", "admin", "developer", "viewer"]
    assert "ann@example.com" in shown
    assert len(ann.document("team", "members")["items"]) == 4


def test_an_invitation_is_a_link_that_is_shown_once_on_its_own_line(ann: Cli, api: FakeApi, acme: Team) -> None:
    result = ann("team", "invite", "--role", "developer", "--only", "shop/staging", "--only", "blog:viewer", "--note", "Zoe")

    (invitation,) = acme.invitations.values()
    assert invitation["link"] in result.stdout.splitlines()
    assert "developer (only shop/staging, blog as viewer)" in result.stdout
    assert "expires in 3d" in result.stdout
    assert "not shown again" in result.stdout
    assert invitation["grant"].scopes == (Scope("shop", "staging", Role.DEVELOPER), Scope("blog", "*", Role.VIEWER))
    assert invitation["link"] not in ann("team", "invitations").output


def test_an_invitation_for_machines_has_its_link(ann: Cli) -> None:
    made = ann.document("team", "invite", "--role", "viewer", "--hours", "1")

    assert made["link"].startswith("http://")
    assert made["role"] == "viewer"


@pytest.mark.parametrize("part", ["Shop", "shop/", "/prod", "shop/prod/web", "shop:king", "shop prod", ""])
def test_a_part_that_is_none_is_refused_with_how_to_write_it(ann: Cli, acme: Team, part: str) -> None:
    result = ann("team", "invite", "--only", part)

    assert result.exit_code == Exit.USAGE
    assert "shop/prod:viewer" in result.stderr
    assert not acme.invitations


def test_a_role_that_is_none_is_refused(ann: Cli, acme: Team) -> None:
    assert ann("team", "invite", "--role", "king").exit_code == Exit.USAGE
    assert not acme.invitations


def test_open_invitations_say_who_made_them(ann: Cli) -> None:
    ann("team", "invite", "--note", "for Zoe")

    line = ann("team", "invitations").stdout.splitlines()[1]

    assert "for Zoe" in line
    assert " ann " in line


def test_no_open_invitation_says_how_to_make_one(ann: Cli) -> None:
    assert "cygni team invite" in ann("team", "invitations").stdout


@pytest.mark.parametrize("by", ["id", "note"])
def test_an_invitation_is_withdrawn(ann: Cli, acme: Team, by: str) -> None:
    made = ann.document("team", "invite", "--note", "Zoe")

    result = ann("team", "uninvite", made["id"] if by == "id" else "Zoe")

    assert result.exit_code == Exit.OK
    assert "link" not in result.output
    assert not acme.invitations


def test_whoever_has_the_link_joins_and_goes_on_in_that_team(ann: Cli, api: FakeApi, acme: Team) -> None:
    link = ann.document("team", "invite", "--role", "viewer")["link"]
    api.identity.add_person("zoe")
    ann.sign_in(api, "zoe", "--context", "zoe")

    result = ann("team", "join", link)

    assert "An invitation to the team Acme as viewer, it expires in 3d." in result.stdout
    assert "You are in the team Acme as viewer." in result.stdout
    assert acme.members[api.identity.user("zoe")][0].role is Role.VIEWER
    assert ann.document("whoami")["team"] == acme.id


def test_an_invitation_can_be_looked_at_only(ann: Cli, api: FakeApi, acme: Team) -> None:
    link = ann.document("team", "invite")["link"]
    api.identity.add_person("zoe")
    ann.sign_in(api, "zoe", "--context", "zoe")

    assert ann.document("team", "join", link, "--show")["team_name"] == "Acme"
    assert api.identity.user("zoe") not in acme.members


def test_a_link_can_come_from_stdin_so_that_it_is_in_no_history(ann: Cli, api: FakeApi, acme: Team) -> None:
    link = ann.document("team", "invite")["link"]
    api.identity.add_person("zoe")
    ann.sign_in(api, "zoe", "--context", "zoe")

    assert ann("team", "join", "-", stdin=f"{link}\n").exit_code == Exit.OK
    assert api.identity.user("zoe") in acme.members


def test_a_link_of_another_control_plane_says_where_it_is_from(ann: Cli) -> None:
    result = ann("team", "join", "https://other.example.com/v1/invitations#abc")

    assert result.exit_code == Exit.NOT_FOUND
    assert "cygni login --endpoint https://other.example.com" in result.stderr


@pytest.mark.parametrize("word", ["dan", "DAN", "dan@example.com", "the id"])
def test_a_member_named_by_name_address_or_id_gets_another_role(ann: Cli, api: FakeApi, acme: Team, word: str) -> None:
    dan = api.identity.user("dan")

    result = ann("team", "role", dan if word == "the id" else word, "viewer", "--only", "shop")

    assert "dan is viewer (only shop) now" in result.stdout
    assert acme.members[dan][0].role is Role.VIEWER


def test_two_members_of_one_name_are_told_apart_by_id(ann: Cli, api: FakeApi, acme: Team) -> None:
    twin = api.identity.add_person("dan", "dan2@example.com")
    acme.members[twin] = acme.members[api.identity.user("dan")]

    result = ann("team", "role", "dan", "viewer")

    assert result.exit_code == Exit.USAGE
    assert twin in result.stderr


def test_a_member_that_is_none_is_not_found(ann: Cli) -> None:
    result = ann("team", "role", "zoe", "viewer")

    assert result.exit_code == Exit.NOT_FOUND
    assert "cygni team members" in result.stderr


def test_removing_somebody_is_asked_for_first(ann: Cli, api: FakeApi, acme: Team) -> None:
    assert ann("team", "remove", "dan", stdin="n\n").exit_code == Exit.UNEXPECTED
    assert ann("team", "remove", "dan", "--json").exit_code == Exit.USAGE
    assert api.identity.user("dan") in acme.members

    assert ann("team", "remove", "dan", stdin="y\n").exit_code == Exit.OK
    assert api.identity.user("dan") not in acme.members


def test_a_team_is_given_away_by_its_owner(ann: Cli, api: FakeApi, acme: Team) -> None:
    result = ann("team", "transfer", "dan", "--yes")

    assert "dan owns the team now, and you are an Admin." in result.stdout
    assert acme.members[api.identity.user("ann")][0].role is Role.ADMIN


def test_the_last_owner_cannot_leave(ann: Cli, acme: Team) -> None:
    result = ann("team", "leave", "--yes")

    assert result.exit_code == Exit.CONFLICT
    assert "cygni team transfer" in result.stderr


def test_whoever_leaves_stands_in_no_team_and_is_told_of_the_others(ann: Cli, api: FakeApi, acme: Team) -> None:
    api.identity.add_team("Beta", ann="viewer")
    ann("team", "transfer", "dan", "--yes")

    result = ann("team", "leave", "--yes")

    assert "You have left Acme." in result.stdout
    assert "cygni team switch NAME`: Beta." in result.stdout
    assert ann.document("whoami")["team"] == ""
    assert "cygni team switch NAME" in ann("whoami").stdout


def test_a_deleted_team_is_gone(ann: Cli, api: FakeApi, acme: Team) -> None:
    result = ann("team", "delete", "--yes")

    assert "Deleted the team Acme." in result.stdout
    assert acme.id not in api.identity.teams
    assert ann.document("whoami")["team"] == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ("team", "invite"),
        ("team", "invitations"),
        ("team", "rename", "Mine"),
        ("team", "retention", "1"),
        ("team", "role", "ann", "viewer"),
        ("team", "remove", "ann", "--yes"),
        ("team", "transfer", "vera", "--yes"),
        ("team", "delete", "--yes"),
        ("keys", "list"),
        ("keys", "create", "bot"),
        ("ci", "trust", "acme/shop"),
        ("audit", "list"),
        ("audit", "verify"),
        ("deploy",),
    ],
    ids=" ".join,
)
def test_a_viewer_is_refused_with_why_and_whom_to_ask(cli: Cli, api: FakeApi, acme: Team, arguments: tuple[str, ...]) -> None:
    api.add_service()
    cli.sign_in(api, "vera")

    result = cli(*arguments)

    assert result.exit_code == Exit.FORBIDDEN
    assert "As viewer you may not do this." in result.stderr
    assert "Ask an Owner or Admin of the team" in result.stderr


def test_the_operators_key_runs_the_operators_team(cli: Cli, api: FakeApi) -> None:
    cli.environ["CYGNI_TOKEN"] = TOKEN

    assert cli.document("team", "show")["name"] == "operator"


def test_times_ahead_are_told_in_their_largest_unit() -> None:
    from cygni.cli.views.words import until

    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    ahead = {timedelta(seconds=5): "in 5s", timedelta(hours=24): "in 1d", timedelta(minutes=90): "in 2h", timedelta(-1): "over"}

    assert {each: until((now + each).isoformat(), now) for each in ahead} == ahead
