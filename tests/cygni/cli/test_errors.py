"""Problems become errors, and errors become exit codes, in one place."""

from __future__ import annotations

import pytest

from chalicelib.api.problems import STATUS
from cygni.cli.errors import CliError, FieldFault, Usage, from_problem
from cygni.cli.exits import Exit, exit_of
from cygni.cli.printer import render_error


@pytest.mark.parametrize(
    ("status", "exit_code"),
    [
        (400, Exit.USAGE),
        (401, Exit.NOT_SIGNED_IN),
        (403, Exit.FORBIDDEN),
        (404, Exit.NOT_FOUND),
        (409, Exit.CONFLICT),
        (412, Exit.CONFLICT),
        (413, Exit.USAGE),
        (421, Exit.USAGE),
        (422, Exit.USAGE),
        (429, Exit.UNREACHABLE),
        (500, Exit.UNEXPECTED),
        (503, Exit.UNREACHABLE),
        (418, Exit.UNEXPECTED),
    ],
)
def test_each_status_has_its_exit_code(status: int, exit_code: Exit) -> None:
    assert from_problem(status, {}, where="GET /x").exit_code is exit_code


@pytest.mark.parametrize("status", sorted(set(STATUS.values()) - {405, 500}))
def test_no_status_of_the_api_is_unexpected(status: int) -> None:
    assert from_problem(status, {}, where="GET /x").exit_code is not Exit.UNEXPECTED


@pytest.mark.parametrize("body", [None, "text", [], {"errors": "none"}, {"errors": [1, None]}, {"detail": None}])
def test_a_body_that_is_no_problem_is_told_by_its_status(body: object) -> None:
    assert "502" in from_problem(502, body, where="GET /x").message


def test_a_problem_keeps_code_remedy_and_fields_with_their_lines() -> None:
    body = {"detail": "No.", "code": "no", "remedy": "Do.", "errors": [{"field": "body.name", "message": "is bad", "line": 3}]}

    problem = from_problem(422, body, where="POST /x")

    assert (problem.message, problem.code, problem.remedy) == ("No.", "no", "Do.")
    assert problem.fields == (FieldFault("body.name", "is bad", line=3),)


def test_a_fault_of_the_apis_own_is_to_be_reported_with_its_id() -> None:
    assert "req-7" in from_problem(500, {"detail": "Oh.", "instance": "req-7"}, where="GET /x").remedy


def test_a_credential_that_is_not_taken_keeps_the_apis_advice_and_says_where_credentials_come_from() -> None:
    remedy = from_problem(401, {"detail": "No.", "remedy": "Check the key."}, where="GET /x").remedy

    assert remedy.startswith("Check the key. ")
    assert "cygni login" in remedy
    assert "CYGNI_TOKEN" in remedy


def test_whoever_asks_knows_best_what_to_do_about_its_credential() -> None:
    problem = from_problem(401, {"remedy": "Refresh."}, where="GET /x", sign_in=lambda advice: f"{advice} Sign in again.")

    assert problem.remedy == "Refresh. Sign in again."


@pytest.mark.parametrize("remedy", ["Use https://eu.api.example.com.", "Use https://eu.api.example.com"])
def test_another_regions_address_is_shown_with_how_to_sign_in_there(remedy: str) -> None:
    problem = from_problem(421, {"detail": "It lives in eu-west-1.", "remedy": remedy}, where="GET /x")

    assert problem.remedy == f"{remedy} Sign in there: `cygni login --endpoint https://eu.api.example.com`."


def test_another_region_without_an_address_keeps_the_apis_advice() -> None:
    assert from_problem(421, {"remedy": "Ask the operator."}, where="GET /x").remedy == "Ask the operator."


@pytest.mark.parametrize(("body", "code"), [({"error": "slow_down"}, "slow_down"), ({"error": 7}, ""), ({}, "")])
def test_oauths_code_is_kept(body: object, code: str) -> None:
    assert from_problem(400, body, where="POST /x").oauth == code


def test_an_error_for_people_says_what_where_and_what_next() -> None:
    text = render_error(
        Usage("It is wrong.", remedy="Mend it.", fields=[FieldFault("body.name", "is bad", "Write it small.")])
    ).plain

    assert text.splitlines() == ["error: It is wrong.", "  body.name: is bad Write it small.", "next: Mend it."]


def test_an_error_for_machines_is_one_document() -> None:
    document = CliError("No.", remedy="Do.", code="no", exit_code=Exit.CONFLICT).document()

    assert document == {"error": {"code": "no", "message": "No.", "remedy": "Do.", "exit_code": 6, "fields": []}}


def test_exit_codes_are_distinct_and_each_has_a_sentence() -> None:
    assert len({int(each) for each in Exit}) == len(list(Exit))
    assert all(each.meaning.endswith(".") for each in Exit)


def test_a_proposal_is_no_success() -> None:
    assert exit_of("awaiting_approval") is Exit.AWAITS_APPROVAL


def test_a_state_of_a_newer_api_is_no_success() -> None:
    assert exit_of("hibernating") is Exit.UNEXPECTED
