from __future__ import annotations

import base64

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.platform.strict import decode_base64url, encode_base64url, parse_array, parse_object

URL_SAFE = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
near_base64 = st.lists(st.sampled_from(URL_SAFE + b"+/= \n"), max_size=12).map(bytes)


@given(st.binary(max_size=70))
def test_what_is_encoded_is_decoded(data: bytes) -> None:
    text = encode_base64url(data)

    assert text == base64.urlsafe_b64encode(data).rstrip(b"=").decode()
    assert decode_base64url(text.encode()) == data


@given(st.binary(max_size=12) | near_base64)
@example(b"QR")
@example(b"QUJDRA==")
@example(b"QQ==QUJD")
def test_a_text_is_decoded_only_if_it_is_the_one_that_would_be_written(text: bytes) -> None:
    try:
        data = decode_base64url(text)
    except ValueError:
        return
    assert encode_base64url(data).encode() == text


@pytest.mark.parametrize(
    "text",
    ["", "x", "[1]", '"a"', '{"a":1}{"a":1}', '{"a":1', '{"a":NaN}', '{"a":Infinity}', "{'a':1}", '{"a":1,}', "\ufeff{}"],
)
def test_what_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="JSON"):
        parse_object(text)


@pytest.mark.parametrize("text", ['{"a":1,"a":1}', '{"a":1,"\\u0061":2}', '{"b":{"a":1,"a":2}}', '{"b":[{"a":1,"a":2}]}'])
def test_a_name_that_occurs_twice_is_refused_wherever_it_is(text: str) -> None:
    with pytest.raises(ValueError, match="twice"):
        parse_object(text)


@pytest.mark.parametrize("data", [b'{"a":"\xff"}', b'{"a":"\\ud800"}', b'{"\\udc00":1}', b'{"a":"\xed\xa0\x80"}'])
def test_text_that_cannot_be_written_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="UTF-8"):
        parse_object(data)


def test_escapes_that_spell_a_whole_character_are_text() -> None:
    assert parse_object(b' {"a":"\\ud83d\\ude80","b":"\xc3\xa9"}\n') == {"a": "\U0001f680", "b": "é"}


@pytest.mark.parametrize("text", ["[" * 5000, '{"a":' * 5000, '{"a":' + "9" * 5000 + "}"])
def test_what_is_too_much_to_read_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not strict JSON|nested"):
        parse_object(text)


def test_an_error_repeats_nothing_of_what_was_read() -> None:
    with pytest.raises(ValueError, match="character") as told:
        parse_object('{"key":"hush" "more"}')
    assert "hush" not in str(told.value)


def test_an_array_is_read_as_strictly_as_an_object() -> None:
    assert parse_array(' [1, {"a": []}] ') == [1, {"a": []}]


@pytest.mark.parametrize("text", ["", "{}", "7", "[NaN]", '[{"a": 1, "a": 2}]', "[1] [2]", "[1"])
def test_what_is_no_array_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not"):
        parse_array(text)
