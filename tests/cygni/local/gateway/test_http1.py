from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygni.local.gateway.headers import Framing
from cygni.local.gateway.http1 import MAX_HEAD, AnswerParser, BadAnswer, Head, parse_head

OK = b"HTTP/1.1 200 OK\r\n"


def parse(raw: bytes, method: str = "GET", *, end: bool = False) -> tuple[AnswerParser, bytes]:
    parser = AnswerParser(method)
    parser.feed(raw)
    if end:
        parser.eof()
    return parser, parser.take()


def head(*lines: bytes, method: str = "GET", first: bytes = b"HTTP/1.1 200 OK") -> Head:
    return parse_head(b"\r\n".join((first, *lines)), method)


def test_a_body_with_a_length_ends_after_it() -> None:
    parser, body = parse(OK + b"Content-Length: 5\r\n\r\nhello")
    assert (body, parser.done, parser.clean) == (b"hello", True, True)


def test_a_chunked_body_is_taken_out_of_its_chunks_and_trailers_are_dropped() -> None:
    parser, body = parse(OK + b"Transfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nX-Sum: 1\r\n\r\n")
    assert (body, parser.clean) == (b"hello!", True)


def test_without_length_the_body_ends_with_the_connection() -> None:
    parser, body = parse(OK + b"\r\nhello", end=True)
    assert (body, parser.done) == (b"hello", True)
    assert parser.head is not None
    assert not parser.head.keep


@pytest.mark.parametrize(("method", "status"), [("HEAD", b"200 OK"), ("GET", b"204 No Content"), ("GET", b"304 Not Modified")])
def test_answers_without_body_end_at_once_whatever_length_they_tell(method: str, status: bytes) -> None:
    parser, body = parse(b"HTTP/1.1 " + status + b"\r\nContent-Length: 5\r\n\r\n", method)
    assert (body, parser.clean) == (b"", True)


def test_interim_answers_are_skipped() -> None:
    parser, _ = parse(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK + b"Content-Length: 0\r\n\r\n"
    )
    assert parser.head is not None
    assert parser.head.status == 200


def test_after_101_all_bytes_are_the_other_protocols() -> None:
    parser, body = parse(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x02hi")
    assert (body, parser.done) == (b"\x81\x02hi", False)


def test_bytes_after_the_answer_make_the_connection_unfit() -> None:
    parser, _ = parse(OK + b"Content-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\n\r\n")
    assert parser.done
    assert not parser.clean


@pytest.mark.parametrize(
    "raw", [b"", OK, OK + b"Content-Length: 5\r\n\r\nhell", OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"]
)
def test_an_answer_that_ends_too_soon_is_refused(raw: bytes) -> None:
    with pytest.raises(BadAnswer, match="closed the connection"):
        parse(raw, end=True)


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 099 No\r\n\r\n",
        OK + b"No colon\r\n\r\n",
        OK + b"Name : x\r\n\r\n",
        OK + b" folded: x\r\n\r\n",
        OK + b"A: x\ny\r\n\r\n",
        OK + b"Content-Length: 1, 2\r\n\r\n",
        OK + b"Content-Length: -1\r\n\r\n",
        OK + b"Content-Length: 5x\r\n\r\n",
        OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
        OK + b"Transfer-Encoding: chunked, chunked\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\nx\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\nabc",
        OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"1" * 9000,
        OK + b"A: " + b"x" * (MAX_HEAD + 1),
        OK + b"A: " + b"x" * (MAX_HEAD + 1) + b"\r\n\r\n",
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(raw: bytes) -> None:
    with pytest.raises(BadAnswer):
        parse(raw)


@pytest.mark.parametrize(
    ("lines", "first", "keep"),
    [
        ([b"Content-Length: 1"], b"HTTP/1.1 200 OK", True),
        ([b"Content-Length: 1", b"Connection: Close"], b"HTTP/1.1 200 OK", False),
        ([b"Content-Length: 1"], b"HTTP/1.0 200 OK", False),
        ([b"Content-Length: 1", b"Connection: keep-alive"], b"HTTP/1.0 200 OK", True),
        ([b"Content-Length: 1", b"Transfer-Encoding: chunked"], b"HTTP/1.1 200 OK", False),
        ([], b"HTTP/1.1 200 OK", False),
        ([], b"HTTP/1.1 204 No Content", True),
    ],
)
def test_a_connection_is_kept_only_when_the_pod_keeps_it_and_the_end_is_beyond_doubt(
    lines: list[bytes], first: bytes, keep: bool
) -> None:
    assert head(*lines, first=first).keep is keep


def test_chunks_win_over_a_length() -> None:
    assert head(b"Content-Length: 1", b"Transfer-Encoding: chunked").framing == Framing(chunked=True)


def test_fields_keep_their_order_case_and_repetitions() -> None:
    assert head(b"Set-Cookie: a=1", b"X-a:\t b ", b"Set-Cookie: b=2").fields == (
        (b"Set-Cookie", b"a=1"),
        (b"X-a", b"b"),
        (b"Set-Cookie", b"b=2"),
    )


BODY = st.lists(st.binary(min_size=1, max_size=20), max_size=5)


@given(BODY, st.lists(st.integers(0, 200), max_size=12), st.booleans())
def test_however_an_answer_is_cut_into_packets_the_body_is_the_same(
    chunks: list[bytes], cuts: list[int], chunked: bool
) -> None:
    body = b"".join(chunks)
    framed = b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in chunks) + b"0\r\n\r\n"
    raw = OK + (
        b"Transfer-Encoding: chunked\r\n\r\n" + framed if chunked else b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    )
    parser, got, edges = AnswerParser("GET"), b"", sorted({0, len(raw), *(cut % len(raw) for cut in cuts)})
    for start, end in pairwise(edges):
        parser.feed(raw[start:end])
        got += parser.take()
    assert (got, parser.clean) == (body, True)


@given(st.binary(max_size=60))
def test_any_bytes_are_parsed_or_refused(raw: bytes) -> None:
    parser = AnswerParser("GET")
    try:
        parser.feed(OK + b"Transfer-Encoding: chunked\r\n\r\n" + raw)
        parser.eof()
    except BadAnswer:
        return
    assert parser.done
