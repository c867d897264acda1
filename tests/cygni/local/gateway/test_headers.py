from __future__ import annotations

import pytest

from cygni.local.gateway.headers import Caller, Framing, changed, request_head, response_head
from cygni.local.gateway.objects import HeaderChange

UNFRAMED = Framing()
Pairs = list[tuple[bytes, bytes]]


def sent(fields: Pairs, *, framing: Framing = UNFRAMED, trusted: bool = False, has_id: bool = False, **others: object) -> Pairs:
    caller = Caller("10.0.0.9", b"shop.localhost:8080", b"id-1", has_id, trusted)
    return lines(request_head(b"/a?b", b"GET", fields, caller, framing, **others))  # type: ignore[arg-type]


def lines(head: bytes) -> Pairs:
    assert head.endswith(b"\r\n\r\n")
    return [(name, value) for name, _, value in (line.partition(b": ") for line in head[:-4].split(b"\r\n")[1:])]


def test_the_request_line_is_passed_on_as_it_came() -> None:
    caller = Caller("::1", b"h", b"id", True, False)
    assert request_head(b"/a%20b?c=%2F", b"PATCH", [], caller, Framing()).startswith(b"PATCH /a%20b?c=%2F HTTP/1.1\r\n")


def test_end_to_end_fields_keep_their_name_order_and_repetitions() -> None:
    fields = [(b"Host", b"shop.localhost:8080"), (b"X-b", b"1"), (b"Accept", b"*/*"), (b"X-b", b"2")]
    assert sent(fields)[:4] == fields


@pytest.mark.parametrize(
    "name",
    [b"Connection", b"Keep-Alive", b"TE", b"Trailer", b"Transfer-Encoding", b"Upgrade", b"Proxy-Authorization", b"Expect"],
)
def test_hop_by_hop_fields_end_here(name: bytes) -> None:
    assert name not in dict(sent([(name, b"x")]))


def test_fields_that_connection_names_end_here_but_never_the_host() -> None:
    got = dict(sent([(b"Host", b"h"), (b"Connection", b"close, X-Secret, host"), (b"x-secret", b"1")]))
    assert b"x-secret" not in got
    assert got[b"Host"] == b"h"


def test_the_pod_learns_who_asked_and_a_request_id() -> None:
    assert sent([]) == [
        (b"X-Forwarded-For", b"10.0.0.9"),
        (b"X-Forwarded-Proto", b"http"),
        (b"X-Forwarded-Host", b"shop.localhost:8080"),
        (b"X-Request-Id", b"id-1"),
    ]


def test_a_request_id_of_the_clients_own_is_kept() -> None:
    assert sent([(b"x-request-id", b"mine")], has_id=True).count((b"x-request-id", b"mine")) == 1
    assert b"X-Request-Id" not in dict(sent([(b"x-request-id", b"mine")], has_id=True))


def test_what_a_client_says_about_earlier_proxies_is_not_believed() -> None:
    said = [(b"X-Forwarded-For", b"1.2.3.4"), (b"X-Forwarded-Proto", b"https"), (b"Forwarded", b"for=1.2.3.4")]
    assert sent(said) == sent([])


def test_a_trusted_proxys_word_is_kept_and_added_to() -> None:
    got = dict(sent([(b"X-Forwarded-For", b"1.2.3.4"), (b"X-Forwarded-Proto", b"https")], trusted=True))
    assert got[b"X-Forwarded-For"] == b"1.2.3.4, 10.0.0.9"
    assert got[b"X-Forwarded-Proto"] == b"https"


@pytest.mark.parametrize(
    ("framing", "line"),
    [(Framing(length=0), (b"Content-Length", b"0")), (Framing(chunked=True), (b"Transfer-Encoding", b"chunked"))],
)
def test_the_bodys_framing_is_the_gateways_own(framing: Framing, line: tuple[bytes, bytes]) -> None:
    assert sent([(b"Content-Length", b"99"), (b"Transfer-Encoding", b"gzip")], framing=framing)[-1] == line


def test_an_upgrade_keeps_its_upgrade_field() -> None:
    got = dict(sent([(b"Upgrade", b"websocket"), (b"Connection", b"Upgrade")], connection=b"upgrade"))
    assert (got[b"Upgrade"], got[b"Connection"]) == (b"websocket", b"upgrade")


def test_an_answer_names_the_revision_and_the_request() -> None:
    head = response_head(200, b"OK", [(b"X-Cygni-Revision", b"r9")], Framing(length=0), revision="r2", request_id=b"id-1")
    assert lines(head) == [(b"X-Cygni-Revision", b"r2"), (b"X-Request-Id", b"id-1"), (b"Content-Length", b"0")]


def test_an_apps_own_request_id_stays() -> None:
    head = response_head(200, b"OK", [(b"x-request-id", b"app")], Framing(length=0), request_id=b"id-1")
    assert lines(head)[0] == (b"x-request-id", b"app")
    assert head.lower().count(b"x-request-id") == 1


def test_a_modifier_removes_then_replaces_then_adds() -> None:
    change = HeaderChange(put=(("x-a", "new"),), add=(("x-b", "2"),), remove=frozenset({"x-c"}))
    got = changed([(b"X-A", b"old"), (b"X-B", b"1"), (b"X-C", b"3")], change)
    assert got == [(b"X-B", b"1"), (b"x-a", b"new"), (b"x-b", b"2")]


@pytest.mark.parametrize("name", ["transfer-encoding", "content-length", "connection"])
def test_a_modifier_cannot_touch_framing(name: str) -> None:
    change = HeaderChange(put=((name, "x"),), add=((name, "x"),), remove=frozenset({name}))
    assert changed([(b"Content-Length", b"1")], change) == [(b"Content-Length", b"1")]
