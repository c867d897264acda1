"""`cygni deploy` and `cygni plan`."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from pathlib import Path

from cygni.cli.exits import Exit
from tests.cygni.cli.conftest import Cli
from tests.fakes.api import FakeApi, Fault, ended, promoted, rolled_back


def names_in(archive: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        return tar.getnames()


def test_a_first_deploy_makes_project_and_service_and_ends_promoted(cli: Cli, api: FakeApi) -> None:
    result = cli("deploy")

    assert result.exit_code == Exit.OK
    assert "Created the project shop." in result.stdout
    assert "Created the service web." in result.stdout
    assert api.services["shop", "prod", "web"]["live_release"] == 1
    assert names_in(next(iter(api.uploads.values()))) == ["app.py", "cygni.yaml"]


def test_what_is_already_there_is_not_made_again(cli: Cli, api: FakeApi) -> None:
    api.add_service()

    result = cli("deploy", "--detach")

    assert "Created" not in result.stdout
    assert not api.asked("POST", "/projects")
    assert not api.asked("POST", "/services")


def test_another_environment_is_made_on_the_way(cli: Cli, api: FakeApi) -> None:
    result = cli("deploy", "--environment", "staging", "--detach")

    assert "Created the environment staging." in result.stdout
    assert ("shop", "staging", "web") in api.services


def test_following_shows_build_lines_both_arms_and_the_end(cli: Cli, api: FakeApi) -> None:
    api.add_service(live=1)

    lines = cli("deploy").stdout

    assert lines.index("building") < lines.index("Installing dependencies") < lines.index("rolling out")
    assert "step 1 of 2, 10 % of traffic" in lines
    assert "canary 120 requests, 0.0 % errors, p95 34 ms" in lines
    assert "stable 900 requests" in lines
    assert "is promoted" in lines
    assert "http://shop.localhost:8080" in lines


def test_a_rolled_back_release_has_its_own_exit_code_and_says_why_with_its_last_lines(cli: Cli, api: FakeApi) -> None:
    api.add_service(live=1)
    api.script = lambda: rolled_back("errorRate is 21.0 %, above the limit of 5.0 %.")
    api.log_lines.append({"at": "2026-01-02T03:04:05Z", "release": 1, "instance": "web-r1-a", "text": "ZeroDivisionError"})

    result = cli("deploy")

    assert result.exit_code == Exit.ROLLED_BACK
    assert "errorRate is 21.0 %, above the limit of 5.0 %." in result.stdout
    assert "ZeroDivisionError" in result.stdout
    assert "cygni logs --release r1" in result.stdout


def test_a_failed_build_has_its_own_exit_code_and_shows_its_lines(cli: Cli, api: FakeApi) -> None:
    api.script = lambda: ended("failed", "The build failed: pip found no version of flask3.", "ERROR: no matching distribution")

    result = cli("deploy")

    assert result.exit_code == Exit.FAILED
    assert "ERROR: no matching distribution" in result.stdout
    assert "pip found no version of flask3" in result.stdout
    assert "cygni build-log r1" in result.stdout


def test_cancelled_and_superseded_share_an_exit_code(cli: Cli, api: FakeApi) -> None:
    for state in ("cancelled", "superseded"):
        api.script = lambda state=state: ended(state, "A newer one came.")  # type: ignore[misc]
        assert cli("deploy").exit_code == Exit.CANCELLED


def test_detached_it_returns_at_once_and_says_how_to_follow(cli: Cli, api: FakeApi) -> None:
    result = cli("deploy", "--detach")

    assert result.exit_code == Exit.OK
    assert f"cygni follow {next(iter(api.deployments))}" in result.stdout
    assert not api.asked("GET", "/timeline")


def test_interrupted_it_stops_following_and_leaves_the_deployment_alone(cli: Cli, api: FakeApi) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    cli.sleep = interrupt
    result = cli("deploy")

    assert result.exit_code == Exit.INTERRUPTED
    assert "cygni follow dep_" in result.stderr
    assert "cygni abort dep_" in result.stderr
    assert not api.asked("POST", "/abort")


def test_as_json_the_ended_deployment_is_the_one_document(cli: Cli, api: FakeApi) -> None:
    api.script = rolled_back

    result = cli("deploy", "--json")

    assert result.exit_code == Exit.ROLLED_BACK
    assert json.loads(result.stdout)["state"] == "rolled_back"
    assert result.stderr == ""


def test_a_fault_in_the_app_file_is_shown_like_a_compilers(cli: Cli, api: FakeApi) -> None:
    (cli.folder / "cygni.yaml").write_text("version: 1\nname: shop\nservices:\n  web:\n    prot: 80\n")

    result = cli("deploy")

    assert result.exit_code == Exit.USAGE
    assert "cygni.yaml:5:5: " in result.stderr
    assert "    5 |     prot: 80" in result.stderr
    assert not api.projects


def test_without_an_app_file_it_says_how_to_write_one(cli: Cli) -> None:
    (cli.folder / "cygni.yaml").unlink()

    result = cli("deploy")

    assert result.exit_code == Exit.USAGE
    assert "cygni init" in result.stderr


def test_it_finds_the_app_file_from_a_folder_below(cli: Cli, api: FakeApi) -> None:
    below = cli.folder / "src"
    below.mkdir()
    cli.folder = below

    assert cli("deploy", "--detach").exit_code == Exit.OK
    assert "app.py" in names_in(next(iter(api.uploads.values())))


def test_an_unknown_service_is_refused_with_those_that_are_declared(cli: Cli) -> None:
    result = cli("deploy", "--service", "wbe")

    assert result.exit_code == Exit.USAGE
    assert "--service: web" in result.stderr


def test_a_source_over_the_limit_names_its_largest_files(cli: Cli, api: FakeApi) -> None:
    api.upload_limit = 10
    (cli.folder / "data.bin").write_bytes(b"x" * 5000)

    result = cli("deploy")

    assert result.exit_code == Exit.USAGE
    assert "the most is 10" in result.stderr
    assert "5.0 kB  data.bin" in result.stderr
    assert ".cygniignore" in result.stderr


def test_the_commit_and_its_subject_go_along(cli: Cli, api: FakeApi) -> None:
    commit(cli.folder, "Sell hats")

    cli("deploy", "--detach")

    sent = api.asked("POST", "/deployments")[0].body
    assert sent["message"] == "Sell hats"
    assert len(sent["commit"]) == 40


def test_a_message_of_ones_own_is_taken_instead(cli: Cli, api: FakeApi) -> None:
    commit(cli.folder, "Sell hats")

    cli("deploy", "--detach", "--message", "for the fair")

    assert api.asked("POST", "/deployments")[0].body["message"] == "for the fair"


def test_a_deploy_answered_by_a_gateway_time_out_is_sent_again_with_the_same_key(cli: Cli, api: FakeApi) -> None:
    api.faults.append(Fault("/deployments", 504))

    assert cli("deploy", "--detach").exit_code == Exit.OK

    keys = {seen.headers["idempotency-key"] for seen in api.asked("POST", "/deployments")}
    assert len(api.asked("POST", "/deployments")) == 2
    assert len(keys) == 1
    assert len(api.deployments) == 1


def test_an_upload_that_was_cut_off_begins_anew(cli: Cli, api: FakeApi) -> None:
    api.faults.append(Fault(f"src_{'0' * 26}", 503))

    assert cli("deploy", "--detach").exit_code == Exit.OK
    assert len(api.asked("PUT")) == 2


def test_the_token_is_not_sent_to_where_the_source_goes(cli: Cli, api: FakeApi) -> None:
    cli("deploy", "--detach")

    assert "authorization" not in api.asked("PUT")[0].headers
    assert api.asked("PUT")[0].headers["x-check"] == api.sources[next(iter(api.uploads))].sha256


def test_following_survives_an_api_that_is_away_for_a_while(cli: Cli, api: FakeApi) -> None:
    api.script = promoted
    api.faults.append(Fault("/timeline", 503, times=5))

    result = cli("deploy")

    assert result.exit_code == Exit.OK
    assert "Trying again." in result.stdout


def test_a_plan_says_what_would_be_built_and_builds_nothing(cli: Cli, api: FakeApi) -> None:
    (cli.folder / "requirements.txt").write_text("flask\n")

    result = cli("plan")

    assert result.exit_code == Exit.OK
    assert "kind   python" in result.stdout
    assert "start  python app.py" in result.stdout
    assert not api.deployments


def test_a_plan_that_cannot_be_made_says_why(cli: Cli) -> None:
    (cli.folder / "app.py").unlink()

    result = cli("plan")

    assert result.exit_code == Exit.USAGE
    assert "next: " in result.stderr


def commit(folder: Path, subject: str) -> None:
    for arguments in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-q", "-m", subject],
    ):
        subprocess.run(["git", "-C", str(folder), *arguments], check=True)
